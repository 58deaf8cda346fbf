// cli/list.h -- the table of lessons and exercises.
#pragma once

namespace cli {

int list_command();

}  // namespace cli
