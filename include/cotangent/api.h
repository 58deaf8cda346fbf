// cotangent/api.h -- visibility of the library's symbols, and its inline doors.
#pragma once

#if defined(_WIN32)
#define CT_API
#else
#define CT_API __attribute__((visibility("default")))
#endif

// A one-line door to a compiled function. It is inlined without optimisation too, so that the call stands on the line of
// the program, which errors name.
#if defined(__GNUC__)
#define CT_DOOR __attribute__((always_inline)) inline
#else
#define CT_DOOR inline
#endif
