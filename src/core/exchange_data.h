// core/exchange_data.h -- gives a leaf other elements, of another dtype too, under all its handles.
#pragma once

#include "cotangent/tensor.h"

namespace ct::detail {

// What libtorch calls t.set_data(data), for the same shape: every handle on `t` sees the elements of `data` from now on;
// flags, gradient and identity stay. A graph that saved `t` fails in backward, as after a write in place.
// Errors: ct::Error if `t` is no leaf, is a view, or has another shape.
void set_data(const Tensor& t, const Tensor& data);

}  // namespace ct::detail
