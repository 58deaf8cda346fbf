// ops/padding.cpp -- tensors with a margin: of one value, or filled from the inside (reflected, repeated, wrapped around).
#include "ops/padding_attrs.h"

#include <cstring>

#include "ops/op_list.h"
#include "ops/reduction.h"
#include "ops/rules.h"

namespace ct {

using detail::ConstantPadAttrs;
using detail::Dims;
using detail::PadAttrs;
using detail::PadBackAttrs;

namespace {

// ---- one value ------------------------------------------------------------------------------------------------------------

constexpr Op constant_pad_op{
    .name = "constant_pad_nd",
    .node = "ConstantPadNdBackward0",
    .kind = OpKind::other,
    .formula = "dx = constant_pad_nd(g, -pad): the part of g that is x's",
    .forward = [](const Call& c) {
      const auto& a = c.attrs<ConstantPadAttrs>();
      const Tensor& x = c.x(0);
      Dims shape = detail::to_dims(x.sizes());
      for (std::int64_t k = 0; k < a.n / 2; ++k) shape.v[shape.n - 1 - k] += a.pad[2 * k] + a.pad[2 * k + 1];
      Tensor y = full(shape, a.value, x.scalar_type()), from = x, to = y;
      for (std::int64_t k = 0; k < a.n / 2; ++k) {
        const std::int64_t d = x.dim() - 1 - k, left = a.pad[2 * k], right = a.pad[2 * k + 1];
        const std::int64_t cut = std::max<std::int64_t>(0, -left), kept = x.size(d) - cut - std::max<std::int64_t>(0, -right);
        if (kept <= 0) return y;  // nothing but margin
        from = narrow(from, d, cut, kept);
        to = narrow(to, d, std::max<std::int64_t>(0, left), kept);
      }
      to.copy_(from);
      return y;
    },
    .vjp = [](const Tensor& g, const Saved& s, int) {
      ConstantPadAttrs a = s.attrs<ConstantPadAttrs>();
      for (std::int64_t k = 0; k < a.n; ++k) a.pad[k] = -a.pad[k];
      return constant_pad_nd(g, a.list());
    },
    .jvp = [](const Tensor* t, const Saved& s) { return constant_pad_nd(t[0], s.attrs<ConstantPadAttrs>().list()); },
    .batch = detail::as_it_is,
    .samples = [](SampleSink& call) {
      call({call.uniform({3})}, ConstantPadAttrs{1.5, 2, {1, 2}});
      call({call.uniform({2, 3, 4})}, ConstantPadAttrs{0, 4, {-1, 2, 1, 0}});
      call({call.uniform({4, 3})}, ConstantPadAttrs{-2, 4, {0, 0, -2, -1}});
      call({call.uniform({2, 3})}, ConstantPadAttrs{});
    },
};

// ---- from the inside ------------------------------------------------------------------------------------------------------

enum class PadMode { reflect, replicate, circular };

// Where each element of a padded dimension comes from. Between `first` and `last` the places follow one another.
struct Source {
  std::vector<std::int64_t> at;
  std::int64_t n = 1, first = 0, last = 1;

  Source() : at(1, 0) {}
  Source(PadMode mode, std::int64_t size, std::int64_t left, std::int64_t right)
      : at(static_cast<std::size_t>(size + left + right)), n(size), first(std::max<std::int64_t>(0, left)),
        last(size + left + std::min<std::int64_t>(0, right)) {
    for (std::size_t j = 0; j < at.size(); ++j) {
      std::int64_t i = static_cast<std::int64_t>(j) - left;
      if (mode == PadMode::circular) {  // what is cut off at one end does not come back at the other
        const std::int64_t kept = size + std::min<std::int64_t>(0, left) + std::min<std::int64_t>(0, right), cut = std::max<std::int64_t>(0, -left);
        i = (((i - cut) % kept) + kept) % kept + cut;
      }
      else if (mode == PadMode::replicate) i = std::clamp<std::int64_t>(i, 0, size - 1);
      else i = i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i;
      at[j] = i;
    }
  }
  std::int64_t size() const { return static_cast<std::int64_t>(at.size()); }
};
// Of the padded dimensions, outermost first.
struct Sources {
  Source s[3];
  Sources(PadMode mode, const PadAttrs& a, const std::int64_t* sizes) {
    for (std::int64_t k = 0; k < a.dims; ++k)
      s[2 - k] = Source(mode, sizes[2 - k], a.pad[2 * k], a.pad[2 * k + 1]);
  }
  std::int64_t in_plane() const { return s[0].n * s[1].n * s[2].n; }
  std::int64_t out_rows() const { return s[0].size() * s[1].size(); }
  // The row of x, within a plane, that row r of y is made of.
  std::int64_t row(std::int64_t r) const {
    return s[0].at[static_cast<std::size_t>(r / s[1].size())] * s[1].n + s[1].at[static_cast<std::size_t>(r % s[1].size())];
  }
};
void last_sizes(const Tensor& x, std::int64_t dims, std::int64_t* sizes) {
  for (std::int64_t k = 0; k < dims; ++k) sizes[2 - k] = x.size(-1 - k);
}

template <class T>
void pad_rows(const Tensor& x, const Tensor& y, const Sources& p) {
  const T* from = detail::data<T>(x);
  T* to = detail::data<T>(y);
  const Source& s = p.s[2];
  const std::int64_t width = s.size(), rows = p.out_rows();
  detail::parallel_for(y.numel() / width, std::max<std::int64_t>(1, detail::elementwise_grain / width), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const T* row = from + r / rows * p.in_plane() + p.row(r % rows) * s.n;
      T* out = to + r * width;
      for (std::int64_t j = 0; j < s.first; ++j) out[j] = row[s.at[static_cast<std::size_t>(j)]];
      if (s.last > s.first) std::memcpy(out + s.first, row + s.at[static_cast<std::size_t>(s.first)], static_cast<std::size_t>(s.last - s.first) * sizeof(T));
      for (std::int64_t j = std::max(s.first, s.last); j < width; ++j) out[j] = row[s.at[static_cast<std::size_t>(j)]];
    }
  });
}

Tensor pad_forward(const Call& c, PadMode mode) {
  const auto& a = c.attrs<PadAttrs>();
  const Tensor x = c.x(0).contiguous();
  std::int64_t sizes[3] = {1, 1, 1};
  last_sizes(x, a.dims, sizes);
  Dims shape = detail::to_dims(x.sizes());
  for (std::int64_t k = 0; k < a.dims; ++k) shape.v[shape.n - 1 - k] += a.pad[2 * k] + a.pad[2 * k + 1];
  Tensor y = detail::empty_like_dtype(x.scalar_type(), shape);
  if (y.numel() == 0) return y;
  const Sources p(mode, a, sizes);
  switch (elementSize(x.scalar_type())) {
    case 1: pad_rows<std::uint8_t>(x, y, p); break;
    case 2: pad_rows<std::uint16_t>(x, y, p); break;
    case 4: pad_rows<std::uint32_t>(x, y, p); break;
    default: pad_rows<std::uint64_t>(x, y, p);
  }
  return y;
}

// dx[i] = the sum of g over the places that show x[i].
Tensor pad_backward(const Call& c, PadMode mode) {
  const auto& a = c.attrs<PadBackAttrs>();
  const Tensor g = detail::widened(c.x(0)).contiguous();
  Dims shape = detail::to_dims(g.sizes());
  for (std::int64_t k = 0; k < a.pad.dims; ++k) shape.v[shape.n - 1 - k] = a.sizes[2 - k];
  Tensor dx = zeros(shape, g.scalar_type());
  if (g.numel() > 0) {
    const Sources p(mode, a.pad, a.sizes);
    const std::int64_t width = p.s[2].size(), rows = p.out_rows(), plane = rows * width;
    CT_DISPATCH_FLOATS(g.scalar_type(), [&] {
      const scalar_t* from = detail::data<scalar_t>(g);
      scalar_t* to = detail::data<scalar_t>(dx);
      const Source& s = p.s[2];
      detail::parallel_for(g.numel() / plane, std::max<std::int64_t>(1, detail::elementwise_grain / plane), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i)
          for (std::int64_t r = 0; r < rows; ++r) {
            scalar_t* row = to + i * p.in_plane() + p.row(r) * s.n;
            const scalar_t* in = from + i * plane + r * width;
            for (std::int64_t j = 0; j < s.first; ++j) row[s.at[static_cast<std::size_t>(j)]] += in[j];
            for (std::int64_t j = s.first; j < s.last; ++j) row[j - s.first + s.at[static_cast<std::size_t>(s.first)]] += in[j];
            for (std::int64_t j = std::max(s.first, s.last); j < width; ++j) row[s.at[static_cast<std::size_t>(j)]] += in[j];
          }
      });
    });
  }
  return dx.to(c.x(0).scalar_type());
}

// libtorch 1.13 knows kCircular of batches only.
void pad_samples(SampleSink& call, std::int64_t dims, bool batches) {
  if (dims == 1) {
    if (!batches) call({call.uniform({2, 4})}, PadAttrs{1, {2, 1}});
    call({call.uniform({2, 2, 3})}, PadAttrs{1, {0, 2}});
    call({call.uniform({2, 2, 4})}, PadAttrs{1, {-1, 2}});
  } else if (dims == 2) {
    if (!batches) call({call.uniform({2, 4, 3})}, PadAttrs{2, {2, 1, 0, 3}});
    call({call.uniform({2, 1, 3, 4})}, PadAttrs{2, {1, 1, 2, 0}});
  } else {
    if (!batches) call({call.uniform({1, 2, 3, 4})}, PadAttrs{3, {2, 1, 0, 2, 1, 1}});
    call({call.uniform({2, 1, 2, 3, 2})}, PadAttrs{3, {1, 0, 1, 2, 0, 1}});
  }
}

// Where the two ops of a mode name each other.
template <PadMode M, std::int64_t D>
struct PadOps {
  static const Op& pad();
  static const Op& back();
};

// Both are linear, and each is the other's transpose.
template <PadMode M, std::int64_t D>
constexpr Op pad_op(const char* name, const char* node) {
  Op op{};
  op.name = name;
  op.node = node;
  op.kind = OpKind::linear;
  op.formula = "dx[i] = the sum of g over the places that show x[i]";
  op.forward = [](const Call& c) { return pad_forward(c, M); };
  op.vjp = [](const Tensor& g, const Saved& s, int) {
    PadBackAttrs a{s.attrs<PadAttrs>(), {1, 1, 1}};
    const IntArrayRef x = s.sizes(0);
    for (std::int64_t k = 0; k < D; ++k) a.sizes[2 - k] = x[x.size() - 1 - static_cast<std::size_t>(k)];
    return apply_with(PadOps<M, D>::back(), a, g);
  };
  op.batch = detail::as_it_is;
  if (M != PadMode::circular) op.save[0] = X(0);  // PyTorch's rule names x, so a write into it is refused there too
  op.save_shapes = true;
  op.samples = [](SampleSink& call) { pad_samples(call, D, M == PadMode::circular); };
  return op;
}
template <PadMode M, std::int64_t D>
constexpr Op back_op(const char* name, const char* node) {
  Op op{};
  op.name = name;
  op.node = node;
  op.kind = OpKind::linear;
  op.formula = "dg = pad(h), with h the cotangent";
  op.forward = [](const Call& c) { return pad_backward(c, M); };
  op.vjp = [](const Tensor& h, const Saved& s, int) { return apply_with(PadOps<M, D>::pad(), s.attrs<PadBackAttrs>().pad, h); };
  op.batch = detail::as_it_is;
  op.dtypes = Dtypes::floating;
  op.samples = [](SampleSink& call) {
    if (D == 1) call({call.uniform({2, 6})}, PadBackAttrs{{1, {2, 1}}, {1, 1, 3}});
    if (D == 2) call({call.uniform({2, 4, 6})}, PadBackAttrs{{2, {2, 1, 0, 1}}, {1, 3, 3}});
    if (D == 3) call({call.uniform({3, 4, 6})}, PadBackAttrs{{3, {2, 1, 0, 1, 1, 0}}, {2, 3, 3}});
  };
  return op;
}

#define CT_PAD(Mode, D, name, Node)                                                                       \
  template <>                                                                                             \
  const Op& PadOps<PadMode::Mode, D>::pad();                                                              \
  template <>                                                                                             \
  const Op& PadOps<PadMode::Mode, D>::back();                                                             \
  constexpr Op Mode##D##_op = pad_op<PadMode::Mode, D>(name, Node "Backward0");                           \
  constexpr Op Mode##D##_back_op = back_op<PadMode::Mode, D>(name "_backward", Node "BackwardBackward0"); \
  template <>                                                                                             \
  const Op& PadOps<PadMode::Mode, D>::pad() { return Mode##D##_op; }                                      \
  template <>                                                                                             \
  const Op& PadOps<PadMode::Mode, D>::back() { return Mode##D##_back_op; }
CT_PAD(reflect, 1, "reflection_pad1d", "ReflectionPad1D")
CT_PAD(reflect, 2, "reflection_pad2d", "ReflectionPad2D")
CT_PAD(reflect, 3, "reflection_pad3d", "ReflectionPad3D")
CT_PAD(replicate, 1, "replication_pad1d", "ReplicationPad1D")
CT_PAD(replicate, 2, "replication_pad2d", "ReplicationPad2D")
CT_PAD(replicate, 3, "replication_pad3d", "ReplicationPad3D")
CT_PAD(circular, 1, "_pad_circular1d", "PadCircular1D")
CT_PAD(circular, 2, "_pad_circular2d", "PadCircular2D")
CT_PAD(circular, 3, "_pad_circular3d", "PadCircular3D")
#undef CT_PAD

// ---- arguments ------------------------------------------------------------------------------------------------------------

// Errors: not 2 D numbers, another number of dimensions than D + 1 or D + 2, an empty dimension, an empty result.
PadAttrs pad_attrs(const char* name, const Tensor& x, IntArrayRef pad, std::int64_t dims, std::int64_t least = 1) {
  detail::check_defined(name, x);
  CT_CHECK(static_cast<std::int64_t>(pad.size()) == 2 * dims, name, ": padding size is expected to be ", 2 * dims, ", but got: ", pad.size(),
           "\n  Give two numbers for each padded dimension, the last dimension first.");
  bool filled = x.dim() == dims + 1 || x.dim() == dims + 2;
  for (std::int64_t d = x.dim() == dims + 2 ? 1 : 0; filled && d < x.dim(); ++d) filled = x.size(d) != 0;
  CT_CHECK(filled, name, ": Expected ", dims + 1, "D or ", dims + 2,
           "D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but got: ", x.sizes());
  PadAttrs a;
  a.dims = dims;
  for (std::size_t k = 0; k < pad.size(); ++k) {
    CT_CHECK(pad[k] < std::int64_t{1} << 40 && pad[k] > -(std::int64_t{1} << 40), name, ": padding ", pad[k], " is out of range");
    a.pad[k] = pad[k];
  }
  for (std::int64_t k = 0; k < dims; ++k) {
    const std::int64_t size = x.size(-1 - k), out = size + a.pad[2 * k] + a.pad[2 * k + 1];
    CT_CHECK(out >= least, name, ": input of size ", size, " at dimension ", x.dim() - 1 - k, " is too small. Calculated output size: ", out,
             least ? "" : " (Negative padding value is resulting in an empty dimension)", "\n  The padding there is (", a.pad[2 * k], ", ", a.pad[2 * k + 1], ").");
  }
  return a;
}
Tensor reflection(const char* name, const Op& op, const Tensor& x, IntArrayRef pad, std::int64_t dims) {
  const PadAttrs a = pad_attrs(name, x, pad, dims);
  for (std::int64_t k = 0; k < dims; ++k)
    CT_CHECK(a.pad[2 * k] < x.size(-1 - k) && a.pad[2 * k + 1] < x.size(-1 - k), name,
             ": Padding size should be less than the corresponding input dimension, but got: padding (", a.pad[2 * k], ", ", a.pad[2 * k + 1],
             ") at dimension ", x.dim() - 1 - k, " of input ", x.sizes(), "\n  The edge is not repeated, so there are only size - 1 elements to reflect.");
  return apply_with(op, a, x);
}

}  // namespace

std::span<const Op* const> padding_ops() {
  static constexpr const Op* ops[] = {&constant_pad_op,    &reflect1_op,        &reflect2_op,        &reflect3_op,        &replicate1_op,
                                      &replicate2_op,      &replicate3_op,      &circular1_op,       &circular2_op,       &circular3_op,
                                      &reflect1_back_op,   &reflect2_back_op,   &reflect3_back_op,   &replicate1_back_op, &replicate2_back_op,
                                      &replicate3_back_op, &circular1_back_op,  &circular2_back_op,  &circular3_back_op};
  return ops;
}

Tensor constant_pad_nd(const Tensor& self, IntArrayRef pad, const Scalar& value) {
  detail::check_defined("constant_pad_nd", self);
  CT_CHECK(pad.size() % 2 == 0, "constant_pad_nd: Length of pad must be even but instead it equals ", pad.size());
  CT_CHECK(static_cast<std::int64_t>(pad.size()) <= 2 * self.dim(), "constant_pad_nd: Length of pad should be no more than twice the number of dimensions "
           "of the input. Pad length is ", pad.size(), " while the input has ", self.dim(), " dimensions.");
  ConstantPadAttrs a;
  a.value = value;
  a.n = static_cast<std::int64_t>(pad.size());
  Dims shape = detail::to_dims(self.sizes());
  for (std::int64_t k = 0; k < a.n; ++k) {
    a.pad[k] = pad[static_cast<std::size_t>(k)];
    std::int64_t& size = shape.v[shape.n - 1 - k / 2];
    const bool fits = !__builtin_add_overflow(size, a.pad[k], &size);
    CT_CHECK(fits && (k % 2 == 0 || size >= 0), "constant_pad_nd: The input size ", self.size(-1 - k / 2), ", plus negative padding ", a.pad[k - k % 2], " and ",
             pad[static_cast<std::size_t>(k - k % 2 + 1)], ", resulted in a negative output size, which is invalid. Check dimension ", self.dim() - 1 - k / 2,
             " of your input.");
  }
  detail::checked_numel("constant_pad_nd", shape, self.scalar_type());
  return apply_with(constant_pad_op, a, self);
}

Tensor reflection_pad1d(const Tensor& self, IntArrayRef padding) { return reflection("reflection_pad1d", reflect1_op, self, padding, 1); }
Tensor reflection_pad2d(const Tensor& self, IntArrayRef padding) { return reflection("reflection_pad2d", reflect2_op, self, padding, 2); }
Tensor reflection_pad3d(const Tensor& self, IntArrayRef padding) { return reflection("reflection_pad3d", reflect3_op, self, padding, 3); }
Tensor replication_pad1d(const Tensor& self, IntArrayRef padding) { return apply_with(replicate1_op, pad_attrs("replication_pad1d", self, padding, 1), self); }
Tensor replication_pad2d(const Tensor& self, IntArrayRef padding) { return apply_with(replicate2_op, pad_attrs("replication_pad2d", self, padding, 2), self); }
Tensor replication_pad3d(const Tensor& self, IntArrayRef padding) { return apply_with(replicate3_op, pad_attrs("replication_pad3d", self, padding, 3), self); }

Tensor _pad_circular(const Tensor& self, IntArrayRef padding) {
  const auto dims = static_cast<std::int64_t>(padding.size() / 2);
  CT_CHECK(dims >= 1 && dims <= 3, "_pad_circular: Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now");
  const PadAttrs a = pad_attrs("_pad_circular", self, padding, dims, 0);
  for (std::int64_t k = 0; k < 2 * dims; ++k) {
    const std::int64_t kept = self.size(-1 - k / 2) + std::min<std::int64_t>(0, a.pad[k]) + std::min<std::int64_t>(0, a.pad[k ^ 1]);
    CT_CHECK(kept > 0 || a.pad[k] <= 0, "_pad_circular: Negative padding value is resulting in an empty dimension: nothing of dimension ",
             self.dim() - 1 - k / 2, " of input ", self.sizes(), " is left to repeat");
    CT_CHECK(a.pad[k] <= self.size(-1 - k / 2), "_pad_circular: Padding value causes wrapping around more than once.\n  Padding ", a.pad[k],
             " is more than the size of dimension ", self.dim() - 1 - k / 2, " of input ", self.sizes(), ".");
  }
  return apply_with(dims == 1 ? circular1_op : dims == 2 ? circular2_op : circular3_op, a, self);
}

Tensor pad(const Tensor& self, IntArrayRef pad, std::string_view mode, std::optional<double> value) {
  detail::check_defined("pad", self);
  CT_CHECK(pad.size() % 2 == 0, "pad: Padding length must be divisible by 2, but got ", pad.size());
  CT_CHECK(static_cast<std::int64_t>(pad.size()) <= 2 * self.dim(), "pad: Padding length too large: ", pad.size(), " numbers for an input of ", self.dim(),
           " dimensions");
  if (mode == "constant") return constant_pad_nd(self, pad, value.value_or(0.0));
  const bool reflect = mode == "reflect", replicate = mode == "replicate";
  CT_CHECK(reflect || replicate || mode == "circular", "pad: Unrecognised padding mode ", mode, "\n  There are constant, reflect, replicate and circular.");
  CT_CHECK(value.value_or(0) == 0, "pad: Padding mode \"", mode, "\" doesn't take in value argument");
  const auto dims = static_cast<std::int64_t>(pad.size() / 2);
  CT_CHECK(dims >= 1 && dims <= 3 && (self.dim() == dims + 1 || self.dim() == dims + 2),
           "pad: Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now\n  Got ", pad.size(), " numbers for an input of shape ", self.sizes(),
           "; 2 go with [C, W] or [N, C, W], 4 with [C, H, W] or [N, C, H, W], 6 with one dimension more.");
  if (reflect) return dims == 1 ? reflection_pad1d(self, pad) : dims == 2 ? reflection_pad2d(self, pad) : reflection_pad3d(self, pad);
  if (replicate) return dims == 1 ? replication_pad1d(self, pad) : dims == 2 ? replication_pad2d(self, pad) : replication_pad3d(self, pad);
  return _pad_circular(self, pad);
}

}  // namespace ct
