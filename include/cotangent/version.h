// cotangent/version.h -- the library's version, in the one place that CMake, pkg-config and the launcher read.
#pragma once

#define CT_VERSION_MAJOR 0
#define CT_VERSION_MINOR 1
#define CT_VERSION_PATCH 0
#define CT_VERSION "0.1.0"
