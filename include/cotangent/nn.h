// cotangent/nn.h -- neural networks: modules, layers, containers, initial values, clipping.
#pragma once

#include "cotangent/nn/activations.h"
#include "cotangent/nn/adaptive.h"
#include "cotangent/nn/attention.h"
#include "cotangent/nn/containers.h"
#include "cotangent/nn/function.h"
#include "cotangent/nn/init.h"
#include "cotangent/nn/layers.h"
#include "cotangent/nn/module.h"
#include "cotangent/nn/normalization.h"
#include "cotangent/nn/padding.h"
#include "cotangent/nn/rnn.h"
#include "cotangent/nn/transformer.h"
#include "cotangent/nn/utils.h"
