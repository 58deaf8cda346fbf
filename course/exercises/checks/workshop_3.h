// checks/workshop_3.h -- the parts of marking workshop 3.
#pragma once

#include "exercises/checks/workshop.h"

namespace exercise {

void mark_basins(const Answers& answers);
void mark_noise(const Answers& answers);
void mark_ascent(const Answers& answers);
void mark_tools(const Answers& answers);

}  // namespace exercise
