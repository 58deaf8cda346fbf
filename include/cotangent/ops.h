// cotangent/ops.h -- all operations as free functions, by family.
#pragma once

#include "cotangent/ops/creation.h"
#include "cotangent/ops/elementwise.h"
#include "cotangent/ops/linalg.h"
#include "cotangent/ops/reduce.h"
#include "cotangent/ops/view.h"
