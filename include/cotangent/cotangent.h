// cotangent/cotangent.h -- everything of the engine: tensors, operations, gradients.
#pragma once

#include "cotangent/anomaly.h"
#include "cotangent/autograd.h"
#include "cotangent/custom_function.h"
#include "cotangent/graph.h"
#include "cotangent/print.h"
#include "cotangent/tensor.h"
#include "cotangent/threads.h"
#include "cotangent/version.h"
