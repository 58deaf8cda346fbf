// tests/random_programs/differences.cpp -- the one list of differences that are meant: where libtorch 1.13 is wrong, or differs
// from PyTorch 2, or refuses what is right. Each is counted when it happens. What cannot be told from the two ends of one
// instruction is avoided by the machine or the generator instead:
//
//   where                       libtorch 1.13                                                       here
//   masked_select of a          its gradient is for the elements in the order of memory: central    as the differences say
//   transposed tensor           differences of f(x) = (x.t().masked_select(m) * w).sum() disagree
//   masked_select, gather,      keep an operand that the derivative does not need, so that a        no error: given a clone
//   prod, index_add, ..         write to it is an error
//   write to a stale view       fails or works, depending on whether grad_fn() was asked for        works: asked for (renew)
//   retain_grad, then           the gradient kept is that of the former value; through views        follows the value, as
//   transpose_ and its like     as well                                                             PyTorch 2 says: left out
//   hooks on inputs of grad()   are not called; PyTorch 2 calls them                                called: left out
//   hooks of a leaf that is     are not called; PyTorch 2 calls them                                called: left out
//   switched off
//   second derivatives through  count as gradients of the view: its hooks see them                  not seen: left out
//   a write into a view
//   a leaf that gets another    gradients must have the shape that it had when it was used          must have that of now:
//   shape in no_grad mode                                                                           left out
//   sort                        is not stable for more than 16 elements                             stable: asked for
//   hooks after a write         go into the list of the former value for stale views, cannot be     left out
//                               removed
//   a gradient that is an       is changed, then "Inplace update to inference tensor" is thrown     thrown before: left out
//   inference tensor
//   second derivatives          of the second order that are zero are tracked or not, by formula    not compared
//   a write to an inference     happens, and then the error is thrown                               not written: taken back
//   tensor                                                                                          there
//   detach_() of a base         its views lose their history                                        they keep it: left out
//   writes into windows that    one window after the other, in any order                            left out
//   overlap (unfold)
//   operands that overlap the   anything at all                                                     read first: left out
//   destination
#include <cstring>

#include "random_programs/program.h"

namespace programs {

namespace {

enum class When { always, empty, edgeless, sliced };
struct Known {
  const char* instruction;  // the beginning of its name
  const char* ours;         // the kind of error; "" for none; "*" for any
  const char* theirs;
  When when;
  const char* why;
};

constexpr Known list[] = {
    {"", "", "Trying to backward through the graph a second time", When::always,
     "libtorch keeps values that backward does not need, and misses them in a second pass"},
    {"", "", "modified by an inplace operation", When::edgeless,
     "libtorch looks at what was saved of a view that no_grad mode made, though its gradient goes nowhere"},
    {"", "", "Inference tensors cannot be saved for backward", When::edgeless,
     "libtorch saves operands for the gradient of a view that no_grad mode made, though it goes nowhere"},
    {"grad", "", "modified by an inplace operation", When::sliced,
     "libtorch runs what lies behind a write into a view, though it leads to nothing that was asked for"},
    {"backward_inputs", "", "modified by an inplace operation", When::sliced,
     "libtorch runs what lies behind a write into a view, though it leads to nothing that was asked for"},
    {"", "*", "", When::empty, "libtorch does not look at arguments where there are no elements"},
    {"index_put", "more than one element of the written-to tensor", "", When::always,
     "libtorch only warns (deprecated) when index_put_ writes into expanded memory"},
    {"masked_fill", "more than one element of the written-to tensor", "", When::always,
     "libtorch only warns (deprecated) when masked_fill_ writes into expanded memory"},
    {"masked_fill", "value cannot be converted to type", "", When::always,
     "libtorch converts the value of masked_fill_ to any dtype, also from float to whole numbers"},
    {"relu_", "not implemented for", "other", When::always, "libtorch has other words for the dtype of relu_"},
    {"fill_", "more than one element of the written-to tensor", "", When::always, "libtorch fills expanded memory, which is one number for many elements"},
    {"zero_", "more than one element of the written-to tensor", "", When::always, "libtorch fills expanded memory, which is one number for many elements"},
    {"addcmul", "argument value must not be a floating point number", "", When::always, "libtorch cuts off the fraction of addcmul's value for whole numbers"},
    {"index_fill_", "value cannot be converted to type", "", When::always, "libtorch cuts off the fraction of index_fill's value for whole numbers"},
    {"backward_inputs", "One of the differentiated Tensors does not require grad", "can't retain_grad on Tensor that has requires_grad=False", When::always,
     "libtorch's C++ call has other words for inputs that do not require grad than PyTorch in Python"},
    {"requires_no_grad_", "requires_grad flags of leaf variables", "", When::edgeless,
     "in libtorch a view that no_grad mode made and that was written is a leaf until somebody asks for its grad_fn()"},
    {"square_", "can't be cast to the desired output type", "other", When::always, "libtorch has other words for the dtype of square_"},
    {"masked_fill_tensor_", "can't be cast to the desired output type", "", When::always,
     "libtorch converts the value of masked_fill_ to any dtype, also from float to whole numbers"},
    {"", "returns multiple views", "*", When::always, "a call that is wrong in two ways tells another one first"},
    {"", "*", "returns multiple views", When::always, "a call that is wrong in two ways tells another one first"},
    {"", "no_grad mode", "*", When::always, "a call that is wrong in two ways tells another one first"},
    {"", "*", "no_grad mode", When::always, "a call that is wrong in two ways tells another one first"},
    {"", "inference mode", "*", When::always, "a call that is wrong in two ways tells another one first"},
    {"", "*", "inference mode", When::always, "a call that is wrong in two ways tells another one first"},
    {"", "other", "a view of a leaf Variable that requires grad is being used in an in-place operation", When::always, "a call that is wrong in two ways tells another one first"},
    {"", "other", "a leaf Variable that requires grad is being used in an in-place operation", When::always, "a call that is wrong in two ways tells another one first"},
    {"", "more than one element of the written-to tensor", "*", When::always, "a call that is wrong in two ways tells another one first"},
};

bool matches(const char* kind, const Entry* e) {
  if (!*kind || !e) return !*kind && !e;
  return *kind == '*' || e->text == kind;
}

}  // namespace

const char* known_difference(const Entry* ours, const Entry* theirs) {
  const Entry* e = ours ? ours : theirs;
  for (const Known& k : list)
    if (!std::strncmp(e->instruction, k.instruction, std::strlen(k.instruction)) && matches(k.ours, ours) && matches(k.theirs, theirs) &&
        (k.when == When::always || (k.when == When::empty ? e->empty : k.when == When::sliced ? e->sliced : e->edgeless)))
      return k.why;
  return nullptr;
}

}  // namespace programs
