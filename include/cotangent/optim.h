// cotangent/optim.h -- optimizers: what turns gradients into better parameters.
#pragma once

#include "cotangent/optim/adam.h"
#include "cotangent/optim/sgd.h"
