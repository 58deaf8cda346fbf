// cotangent/api.h -- visibility of the library's symbols.
#pragma once

#if defined(_WIN32)
#define CT_API
#else
#define CT_API __attribute__((visibility("default")))
#endif
