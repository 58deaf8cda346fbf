// cotangent/io.h -- files: safetensors and NumPy's .npy and .npz. Not part of cotangent.h.
#pragma once

#include "cotangent/io/numpy.h"
#include "cotangent/io/safetensors.h"
