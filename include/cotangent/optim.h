// cotangent/optim.h -- optimizers: what turns gradients into better parameters.
#pragma once

#include "cotangent/optim/adam.h"
#include "cotangent/optim/adam_kin.h"
#include "cotangent/optim/adaptive.h"
#include "cotangent/optim/lbfgs.h"
#include "cotangent/optim/lr_scheduler.h"
#include "cotangent/optim/rprop.h"
#include "cotangent/optim/sgd.h"
