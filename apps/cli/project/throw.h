// throw.h -- how far a ball flies: the function that the program follows downhill, and whose gradient the test checks.
#pragma once

#include <cotangent/cotangent.h>

// On level ground and without air: v^2 sin(2 angle) / g, in metres. angle in radians, v in metres a second.
inline ct::Tensor distance(const ct::Tensor& angle, double v) { return v * v / 9.81 * ct::sin(2 * angle); }
