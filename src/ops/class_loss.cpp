// ops/class_loss.cpp -- losses whose target names classes: negative log likelihood and cross entropy.
#include "core/parallel.h"
#include "cotangent/autograd.h"
#include "ops/index_places.h"
#include "ops/loss_attrs.h"
#include "ops/op_list.h"
#include "ops/rules.h"

namespace ct {

using detail::Dims;
using detail::NllAttrs;
using detail::NllBackwardAttrs;

namespace {

std::int64_t class_dim(std::int64_t dims) { return dims == 1 ? 0 : 1; }

// [outer, classes, inner] with one target for each of outer x inner.
struct Rows {
  std::int64_t outer = 1, classes = 1, inner = 1;
  explicit Rows(IntArrayRef sizes) {
    const auto at = static_cast<std::size_t>(class_dim(static_cast<std::int64_t>(sizes.size())));
    for (std::size_t d = 0; d < sizes.size(); ++d) (d < at ? outer : d == at ? classes : inner) *= sizes[d];
  }
  std::int64_t n() const { return outer * inner; }
  // Where the element of class 0 is.
  std::int64_t offset(std::int64_t i) const { return i / inner * classes * inner + i % inner; }
};

void check_nll(const char* op, const Tensor& x, const Tensor& target, const Tensor& weight) {
  CT_CHECK(x.dim() > 0, op, ": input tensor should be 1D or 2D, or have more dimensions behind the classes, but it has none");
  CT_CHECK_TYPE(isFloatingType(x.scalar_type()), op, ": \"", op, "_out_frame\" not implemented for '", x.scalar_type(),
                "'\n  The input holds logarithms of probabilities, so a floating dtype.");
  CT_CHECK_TYPE(isIntegralType(target.scalar_type(), false), op, ": expected scalar type Long but found ", target.scalar_type(),
                "\n  The target holds numbers of classes: ", op, "(x, target.to(ct::kLong)).");
  if (x.dim() <= 2) {
    CT_CHECK(target.dim() <= 1, op, ": 0D or 1D target tensor expected, multi-target not supported, got target of shape ", target.sizes());
    if (x.dim() == 1 && target.dim() == 1)
      CT_CHECK(target.size(0) == 1, op, ": For 1D inputs, 1D targets must have size 1, but got target of size: ", target.size(0));
    CT_CHECK(x.dim() == 1 || (target.dim() == 1 && target.size(0) == x.size(0)), op, ": size mismatch (got input: ", x.sizes(), ", target: ", target.sizes(), ")");
  } else {
    bool same = target.dim() == x.dim() - 1;
    for (std::int64_t d = 0; same && d < target.dim(); ++d) same = target.size(d) == x.size(d == 0 ? 0 : d + 1);
    CT_CHECK(same, op, ": size mismatch (got input: ", x.sizes(), ", target: ", target.sizes(),
             ")\n  Of an input [N, C, d1, ..] the target is [N, d1, ..].");
  }
  const std::int64_t classes = x.size(class_dim(x.dim()));
  CT_CHECK(!weight.defined() || (weight.dim() == 1 && weight.numel() == classes), op, ": weight tensor should be defined either for all ", classes,
           " classes or no classes but got weight tensor of shape: ", weight.defined() ? weight.sizes() : IntArrayRef());
  CT_CHECK_TYPE(!weight.defined() || weight.scalar_type() == x.scalar_type(), op, ": expected scalar type ", x.scalar_type(), " but found ",
                weight.defined() ? weight.scalar_type() : kFloat, " for weight");
}

// Calls f(i, class) for each target that counts. Errors: IndexError for one that is no class.
template <class F>
void each_target(const char* op, const Tensor& target, std::int64_t classes, std::int64_t ignore, const F& f) {
  const auto* t = detail::data<std::int64_t>(target);
  for (std::int64_t i = 0; i < target.numel(); ++i) {
    if (t[i] == ignore) continue;
    CT_CHECK_INDEX(t[i] >= 0 && t[i] < classes, op, ": Target ", t[i], " is out of bounds.\n  There are ", classes,
                   " classes, from 0 on; targets equal to ignore_index (", ignore, ") are skipped.");
    f(i, t[i]);
  }
}

Tensor class_numbers(const Tensor& target) { return target.to(kLong).contiguous(); }

template <class T>
double total_weight(const char* op, const Tensor& target, const Tensor& weight, std::int64_t classes, std::int64_t ignore) {
  double total = 0;
  const T* w = weight.defined() ? detail::data<T>(weight) : nullptr;
  each_target(op, target, classes, ignore, [&](std::int64_t, std::int64_t c) { total += w ? static_cast<double>(w[c]) : 1; });
  return total;
}

Tensor nll_forward(const Call& c) {
  const auto& a = c.attrs<NllAttrs>();
  const ScalarType dtype = c.x(0).scalar_type();
  const Tensor x = detail::widened(c.x(0)).contiguous(), target = class_numbers(c.x(1));
  const Tensor weight = c.x(2).defined() ? detail::widened(c.x(2)).contiguous() : Tensor();
  const Rows rows(x.sizes());
  const bool none = a.reduction == Reduction::None;
  Tensor out = none ? zeros(x.dim() == 1 ? IntArrayRef() : target.sizes(), x.scalar_type()) : zeros({}, x.scalar_type());
  CT_DISPATCH_FLOATS(x.scalar_type(), [&] {
    const scalar_t *p = detail::data<scalar_t>(x), *w = weight.defined() ? detail::data<scalar_t>(weight) : nullptr;
    scalar_t* y = detail::data<scalar_t>(out);
    double total = 0, weights = 0;
    each_target(c.op.name, target, rows.classes, a.ignore_index, [&](std::int64_t i, std::int64_t k) {
      const scalar_t wk = w ? w[k] : scalar_t{1}, loss = -wk * p[rows.offset(i) + k * rows.inner];
      if (none) y[i] = loss;
      total += static_cast<double>(loss), weights += static_cast<double>(wk);
    });
    if (!none) *y = static_cast<scalar_t>(a.reduction == Reduction::Mean ? total / weights : total);
  });
  return out.to(dtype);
}

// Of each target its class, 0 where it is ignored, and what it counts.
struct Counted {
  Tensor safe, weight;
};
Counted counted(const Tensor& target, const Tensor& weight, std::int64_t ignore, ScalarType dtype) {
  const Tensor skip = target.eq(ignore), safe = where(skip, 0, target);
  const Tensor w = weight.defined() ? (weight.dim() == 1 ? weight.index_select(0, safe.flatten()).reshape(safe.sizes())
                                                         : weight.gather(1, safe.flatten(1)).reshape(safe.sizes()))
                                    : ones_like(safe, dtype);
  return {safe, masked_fill(w, skip, 0)};
}
// Target and weight of a batch, with the target's batch dimension.
Counted counted(const Batch& b, int target, std::int64_t ignore, ScalarType dtype, std::int64_t entry_dims) {
  Tensor t = b.x(target).to(kLong);
  if (entry_dims == 1) t = t.reshape({b.size});  // [] or [1]
  const Tensor& w = b.value(target + 1);
  if (w.defined() && b.batched(target + 1) && t.dim() == 1) {
    const Counted c = counted(t.unsqueeze(1), w, ignore, dtype);
    return {c.safe.squeeze(1), c.weight.squeeze(1)};
  }
  return counted(t, w, ignore, dtype);
}
Tensor sum_entries(const Tensor& x) { return x.dim() == 1 ? x : x.flatten(1).sum(1); }

Tensor nll_batched(const Batch& b) {
  const auto& a = b.attrs<NllAttrs>();
  const Tensor x = b.x(0);
  const std::int64_t at = class_dim(b.dim(0)) + 1;
  const Counted c = counted(b, 1, a.ignore_index, x.scalar_type(), b.dim(0));
  const Tensor loss = -(x.gather(at, c.safe.unsqueeze(at)).squeeze(at) * c.weight);
  if (a.reduction == Reduction::None) return loss;
  return a.reduction == Reduction::Sum ? sum_entries(loss) : sum_entries(loss) / sum_entries(c.weight);
}

Tensor nll_vjp(const Tensor& g, const Saved& s, int);
Tensor nll_again(const Tensor& g, const Saved& s, int);

// g back to the elements that were taken; linear in g, and nll_loss is its transpose.
constexpr Op nll_backward_op{
    .name = "nll_loss_backward",
    .node = "NllLossBackwardBackward0",
    .kind = OpKind::linear,
    .formula = "dg = nll_loss(h, target, weight)",
    .forward = [](const Call& c) {
      const auto& a = c.attrs<NllBackwardAttrs>();
      const ScalarType dtype = c.x(0).scalar_type();
      const Tensor g = detail::widened(c.x(0)).contiguous(), target = class_numbers(c.x(1));
      const Tensor weight = c.x(2).defined() ? detail::widened(c.x(2)).contiguous() : Tensor();
      Tensor out = zeros(a.sizes, g.scalar_type());
      const Rows rows(a.sizes);
      CT_DISPATCH_FLOATS(g.scalar_type(), [&] {
        const scalar_t *pg = detail::data<scalar_t>(g), *w = weight.defined() ? detail::data<scalar_t>(weight) : nullptr;
        scalar_t* dx = detail::data<scalar_t>(out);
        const bool none = a.nll.reduction == Reduction::None;
        auto scale = static_cast<scalar_t>(1);
        if (a.nll.reduction == Reduction::Mean)
          scale = static_cast<scalar_t>(1 / total_weight<scalar_t>(c.op.name, target, weight, rows.classes, a.nll.ignore_index));
        each_target(c.op.name, target, rows.classes, a.nll.ignore_index, [&](std::int64_t i, std::int64_t k) {
          dx[rows.offset(i) + k * rows.inner] = -(w ? w[k] : scalar_t{1}) * scale * pg[none ? i : 0];
        });
      });
      return out.to(dtype);
    },
    .vjp = nll_again,
    .batch = [](const Batch& b) {
      const auto& a = b.attrs<NllBackwardAttrs>();
      const auto dims = static_cast<std::int64_t>(a.sizes.n), at = class_dim(dims) + 1;
      Tensor g = b.x(0);
      const Counted c = counted(b, 1, a.nll.ignore_index, g.scalar_type(), dims);
      Tensor each = -c.weight;
      if (a.nll.reduction != Reduction::None) {
        if (a.nll.reduction == Reduction::Mean) g = g / sum_entries(c.weight);
        g = detail::aligned(g, c.weight.dim() - 1);
      }
      each = each * g;
      return zeros(b.with_batch(a.sizes), g.scalar_type()).scatter(at, c.safe.unsqueeze(at), each.unsqueeze(at));
    },
    .save = {X(1) | X(2)},
    .dtypes = Dtypes::floating,
    .nondiff = 6,
    .optional = 4,
    .samples = [](SampleSink& call) {
      const Tensor target = ct::tensor({1, 0, 2, 1}), weight = ct::tensor({0.5, 2.0, 1.5}, ct::kDouble);
      NllBackwardAttrs a{{Reduction::Mean, 2}, {2, {4, 3}}};
      for (const Tensor& w : {Tensor(), weight}) {
        a.nll.reduction = Reduction::Mean;
        call({call.uniform({}), target, w}, a);
        a.nll.reduction = Reduction::None;
        call({call.uniform({4}), target, w}, a);
      }
    },
};

void sample_nll(SampleSink& call, std::initializer_list<std::int64_t> sizes, const Tensor& target) {
  const Tensor weight = ct::tensor({0.5, 2.0, 1.5}, ct::kDouble);
  for (std::int64_t r : {Reduction::Mean, Reduction::Sum, Reduction::None}) {
    const Tensor x = call.uniform(IntArrayRef(sizes.begin(), sizes.size()));
    call({x, target, {}}, NllAttrs{r, -100});
    call({x, target, weight}, NllAttrs{r, -100});
    call({x, target, weight}, NllAttrs{r, 2});
  }
}

// y = -w[t] x[.., t, ..], reduced; linear in x
constexpr Op nll_op{
    .name = "nll_loss",
    .node = "NllLossBackward0",
    .kind = OpKind::linear,
    .formula = "dx = -g w[t] at the targets t, 0 elsewhere; divided by the sum of the weights for the mean",
    .forward = nll_forward,
    .vjp = nll_vjp,
    .batch = nll_batched,
    .save = {X(1) | X(2)},
    .save_shapes = true,
    .dtypes = Dtypes::floating,
    .autocast = Autocast::full,
    .nondiff = 6,
    .optional = 4,
    .samples = [](SampleSink& call) {
      sample_nll(call, {4, 3}, ct::tensor({1, 0, 2, 1}));
      sample_nll(call, {3}, ct::scalar_tensor(1, ct::kLong));
    },
};
constexpr Op nll_2d_op = [] {
  Op op = nll_op;
  op.name = "nll_loss2d";
  op.node = "NllLoss2DBackward0";
  op.samples = [](SampleSink& call) { sample_nll(call, {2, 3, 1, 2}, ct::tensor({1, 0, 2, 1}).view({2, 1, 2})); };
  return op;
}();

Tensor nll_vjp(const Tensor& g, const Saved& s, int) {
  NllBackwardAttrs a{s.attrs<NllAttrs>(), {}};
  for (std::int64_t size : s.sizes(0)) a.sizes.v[a.sizes.n++] = size;
  return apply_with(nll_backward_op, a, g, s.x(1), s.x(2));
}
Tensor nll_again(const Tensor& h, const Saved& s, int) {
  return apply_with(nll_op, s.attrs<NllBackwardAttrs>().nll, h, s.x(1), s.x(2));
}

void check_class_inputs(const char* op, const Tensor& x, const Tensor& target, const Tensor& weight, std::int64_t reduction) {
  detail::check_loss(op, reduction, {&x, &target});
  CT_CHECK(!weight.defined() || !weight.requires_grad() || !is_grad_enabled(), op,
           ": the derivative for 'weight' is not implemented\n  Give weight.detach().");
}

Tensor nll(const Op& op, const Tensor& x, const Tensor& target, const Tensor& weight, std::int64_t reduction, std::int64_t ignore_index) {
  check_class_inputs(op.name, x, target, weight, reduction);
  check_nll(op.name, x, target, weight);
  return apply_with(op, NllAttrs{reduction, ignore_index}, x, target, weight);
}

// [C] as it broadcasts with an input of so many dimensions.
Tensor along_classes(const Tensor& weight, std::int64_t dims) {
  if (dims <= 1) return weight;
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(dims), 1);
  sizes[1] = weight.size(0);
  return weight.view(sizes);
}

// The loss against the same probability for every class, of the logarithms x.
Tensor uniform_loss(const Tensor& x, const Tensor& target, const Tensor& weight, std::int64_t reduction, std::int64_t ignore_index) {
  const std::int64_t at = class_dim(x.dim());
  Tensor loss = -(weight.defined() ? x * along_classes(weight, x.dim()) : x).sum(at);
  const Counted c = counted(target.to(kLong).reshape(loss.sizes()), weight, ignore_index, x.scalar_type());
  loss = masked_fill(loss, target.reshape(loss.sizes()).eq(ignore_index), 0);
  return reduction == Reduction::None ? loss : reduction == Reduction::Sum ? loss.sum() : loss.sum() / c.weight.sum();
}

}  // namespace

std::span<const Op* const> class_loss_ops() {
  static constexpr const Op* ops[] = {&nll_op, &nll_2d_op, &nll_backward_op};
  return ops;
}

Tensor nll_loss(const Tensor& self, const Tensor& target, const Tensor& weight, std::int64_t reduction, std::int64_t ignore_index) {
  CT_CHECK(!self.defined() || (self.dim() > 0 && self.dim() <= 2), "nll_loss: input tensor should be 1D or 2D, but has shape ", self.sizes(),
           "\n  nll_loss_nd takes more dimensions.");
  return nll(nll_op, self, target, weight, reduction, ignore_index);
}
Tensor nll_loss2d(const Tensor& self, const Tensor& target, const Tensor& weight, std::int64_t reduction, std::int64_t ignore_index) {
  CT_CHECK(!self.defined() || self.dim() == 4, "nll_loss2d: only batches of spatial inputs supported (4D tensors), but got input of dimension: ",
           self.defined() ? self.dim() : 0);
  return nll(nll_2d_op, self, target, weight, reduction, ignore_index);
}
Tensor nll_loss_nd(const Tensor& self, const Tensor& target, const Tensor& weight, std::int64_t reduction, std::int64_t ignore_index) {
  detail::check_loss("nll_loss", reduction, {&self, &target});
  CT_CHECK(self.dim() > 0, "nll_loss: Expected 1 or more dimensions (got 0)");
  CT_CHECK(self.dim() == 1 || (target.dim() > 0 && self.size(0) == target.size(0)), "nll_loss: Expected input batch_size (", self.size(0),
           ") to match target batch_size (", target.dim() > 0 ? target.size(0) : 1, ").");
  return nll(self.dim() <= 2 ? nll_op : nll_2d_op, self, target, weight, reduction, ignore_index);
}

Tensor cross_entropy_loss(const Tensor& self, const Tensor& target, const Tensor& weight, std::int64_t reduction, std::int64_t ignore_index,
                          double label_smoothing) {
  check_class_inputs("cross_entropy_loss", self, target, weight, reduction);
  CT_CHECK(label_smoothing >= 0 && label_smoothing <= 1, "cross_entropy_loss: label_smoothing must be between 0.0 and 1.0. Got: ", label_smoothing);
  CT_CHECK(self.dim() > 0, "cross_entropy_loss: Expected 1 or more dimensions (got 0)");
  const std::int64_t dims = self.dim(), at = class_dim(dims), classes = self.size(at);
  const bool probabilities = target.is_floating_point() && IntArrayRef(self.sizes()) == target.sizes();
  if (!probabilities && target.is_floating_point() && target.dim() == dims)
    CT_THROW(error, "cross_entropy_loss: Expected floating point type for target with class probabilities, and the shape of the input ", self.sizes(),
             ", got ", target.scalar_type(), " of shape ", target.sizes());
  if (probabilities) {
    CT_CHECK(ignore_index < 0, "cross_entropy_loss: ignore_index is not supported for floating point target");
    CT_CHECK(!weight.defined() || (weight.dim() == 1 && weight.numel() == classes),
             "cross_entropy: weight tensor should be defined either for all ", classes, " classes or no classes but got weight tensor of shape: ",
             weight.defined() ? weight.sizes() : IntArrayRef());
    const Tensor goal = label_smoothing > 0 ? target * (1 - label_smoothing) + label_smoothing / static_cast<double>(classes) : target;
    Tensor products = log_softmax(self, at) * goal;
    if (weight.defined()) products = products * along_classes(weight, dims);
    if (reduction == Reduction::None) return -products.sum(at);
    if (reduction == Reduction::Sum) return -products.sum();
    return -products.sum() / static_cast<double>(self.numel() / std::max<std::int64_t>(1, classes));
  }
  const Tensor logs = log_softmax(self, at);
  const Tensor loss = nll_loss_nd(logs, target, weight, reduction, ignore_index);
  if (label_smoothing == 0) return loss;
  return (1 - label_smoothing) * loss +
         uniform_loss(logs, target, weight, reduction, ignore_index) * (label_smoothing / static_cast<double>(classes));
}

}  // namespace ct
