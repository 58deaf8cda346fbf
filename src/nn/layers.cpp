// nn/layers.cpp -- linear layers, shapes, dropout, embedding.
#include "cotangent/nn/layers.h"

#include <cmath>

#include "cotangent/autograd.h"
#include "cotangent/nn/init.h"
#include "nn/text.h"

namespace ct::nn {

using ct::detail::join;

template class Cloneable<LinearImpl>;
template class Cloneable<BilinearImpl>;
template class Cloneable<IdentityImpl>;
template class Cloneable<FlattenImpl>;
template class Cloneable<UnflattenImpl>;
template class Cloneable<DropoutImpl>;
template class Cloneable<Dropout2dImpl>;
template class Cloneable<Dropout3dImpl>;
template class Cloneable<AlphaDropoutImpl>;
template class Cloneable<FeatureAlphaDropoutImpl>;
template class Cloneable<EmbeddingImpl>;

// ---- Linear, Bilinear --------------------------------------------------------------------------------------------------------

LinearImpl::LinearImpl(const LinearOptions& o) : options(o) { LinearImpl::reset(); }
LinearImpl::~LinearImpl() = default;
void LinearImpl::reset() {
  CT_CHECK(options.in_features() >= 0 && options.out_features() >= 0, "Linear: numbers of features must not be negative (got ", options.in_features(), " and ",
           options.out_features(), ")");
  weight = register_parameter("weight", ct::empty({options.out_features(), options.in_features()}));
  if (options.bias()) bias = register_parameter("bias", ct::empty({options.out_features()}));
  else bias = register_parameter("bias", {}, false);
  reset_parameters();
}
void LinearImpl::reset_parameters() {
  init::kaiming_uniform_(weight, std::sqrt(5.0));
  if (!bias.defined()) return;
  const double bound = options.in_features() > 0 ? 1 / std::sqrt(static_cast<double>(options.in_features())) : 0;
  init::uniform_(bias, -bound, bound);
}
std::string LinearImpl::extra_repr() const {
  return join({"in_features=", options.in_features(), ", out_features=", options.out_features(), ", bias=", python(options.bias())});
}
Tensor LinearImpl::forward(const Tensor& input) { return bias.defined() ? linear(input, weight, bias) : linear(input, weight); }

BilinearImpl::BilinearImpl(const BilinearOptions& o) : options(o) { BilinearImpl::reset(); }
BilinearImpl::~BilinearImpl() = default;
void BilinearImpl::reset() {
  CT_CHECK(options.in1_features() > 0, "Bilinear: in1_features must be > 0, but got ", options.in1_features());
  weight = register_parameter("weight", ct::empty({options.out_features(), options.in1_features(), options.in2_features()}));
  if (options.bias()) bias = register_parameter("bias", ct::empty({options.out_features()}));
  else bias = register_parameter("bias", {}, false);
  reset_parameters();
}
void BilinearImpl::reset_parameters() {
  const double bound = 1 / std::sqrt(static_cast<double>(weight.size(1)));
  init::uniform_(weight, -bound, bound);
  if (bias.defined()) init::uniform_(bias, -bound, bound);
}
std::string BilinearImpl::extra_repr() const {
  return join({"in1_features=", options.in1_features(), ", in2_features=", options.in2_features(), ", out_features=", options.out_features(), ", bias=",
               python(options.bias())});
}
Tensor BilinearImpl::forward(const Tensor& input1, const Tensor& input2) {
  const Tensor y = einsum("...i,oij,...j->...o", {input1, weight, input2});
  return bias.defined() ? y + bias : y;
}

// ---- shapes ---------------------------------------------------------------------------------------------------------------------

IdentityImpl::IdentityImpl() = default;
IdentityImpl::~IdentityImpl() = default;
void IdentityImpl::reset() {}

FlattenImpl::FlattenImpl(const FlattenOptions& o) : options(o) {}
FlattenImpl::~FlattenImpl() = default;
void FlattenImpl::reset() {}
std::string FlattenImpl::extra_repr() const { return join({"start_dim=", options.start_dim(), ", end_dim=", options.end_dim()}); }
Tensor FlattenImpl::forward(const Tensor& input) { return flatten(input, options.start_dim(), options.end_dim()); }

UnflattenImpl::UnflattenImpl(const UnflattenOptions& o) : options(o) {}
UnflattenImpl::~UnflattenImpl() = default;
void UnflattenImpl::reset() {}
std::string UnflattenImpl::extra_repr() const { return join({"dim=", options.dim(), ", unflattened_size=", tuple(options.sizes())}); }
Tensor UnflattenImpl::forward(const Tensor& input) { return unflatten(input, options.dim(), options.sizes()); }

// ---- Dropout ----------------------------------------------------------------------------------------------------------------------

namespace {

// The draws are libtorch's: one of Bernoulli(1 - p) for each element, or each channel.
Tensor drop(const char* name, const Tensor& x, const DropoutOptions& options, bool training, bool channels, bool alpha,
            std::int64_t unbatched_dim = -1) {
  const double p = options.p();
  if (p == 0 || !training || x.numel() == 0) return x;
  Tensor noise, shift;
  {
    const NoGradGuard guard;
    if (p == 1) {
      noise = zeros({}, x.scalar_type());
    } else {
      if (channels) {
        CT_CHECK(x.dim() >= 2, name, ": Feature dropout requires at least 2 dimensions in the input (got shape ", x.sizes(), ")");
        std::vector<std::int64_t> shape(static_cast<std::size_t>(x.dim()), 1);
        shape[0] = x.size(0);
        if (x.dim() != unbatched_dim) shape[1] = x.size(1);
        noise = ct::empty(shape, x.scalar_type());
      } else {
        noise = empty_like(x);
      }
      noise.bernoulli_(1 - p);
      if (alpha) {
        constexpr double saturation = 1.7580993408473766;  // -SELU(-inf)
        const double a = 1 / std::sqrt((saturation * saturation * p + 1) * (1 - p));
        shift = noise.add(-1).mul_(saturation * a).add_(saturation * a * p);
        noise.mul_(a);
      } else {
        noise.div_(1 - p);
      }
    }
  }
  if (options.inplace()) {
    const Tensor y = x;
    y.mul_(noise);
    if (shift.defined()) y.add_(shift);
    return y;
  }
  return shift.defined() ? x * noise + shift : x * noise;
}

}  // namespace

#define CT_DROPOUT(Name, ...)                                                                                             \
  Name##Impl::Name##Impl(const DropoutOptions& o) : options(o) { Name##Impl::reset(); }                                               \
  Name##Impl::~Name##Impl() = default;                                                                                                \
  void Name##Impl::reset() {                                                                                                          \
    CT_CHECK(options.p() >= 0 && options.p() <= 1, #Name ": dropout probability has to be between 0 and 1, but got ", options.p());   \
  }                                                                                                                                   \
  std::string Name##Impl::extra_repr() const { return join({"p=", python(options.p()), ", inplace=", python(options.inplace())}); }   \
  Tensor Name##Impl::forward(const Tensor& x) { return drop(#Name, x, options, is_training(), __VA_ARGS__); }
CT_DROPOUT(Dropout, false, false)
CT_DROPOUT(Dropout2d, true, false)
CT_DROPOUT(Dropout3d, true, false, 4)
CT_DROPOUT(AlphaDropout, false, true)
CT_DROPOUT(FeatureAlphaDropout, true, true)
#undef CT_DROPOUT

// ---- Embedding --------------------------------------------------------------------------------------------------------------------

EmbeddingImpl::EmbeddingImpl(const EmbeddingOptions& o) : options(o) { EmbeddingImpl::reset(); }
EmbeddingImpl::~EmbeddingImpl() = default;
void EmbeddingImpl::reset() {
  const std::int64_t n = options.num_embeddings();
  if (std::optional<std::int64_t>& pad = options.padding_idx()) {
    CT_CHECK(*pad < n && *pad >= -n, "Embedding: Padding_idx must be within num_embeddings (got ", *pad, " of ", n, ")");
    if (*pad < 0) *pad += n;
  }
  if (options._weight().defined()) {
    const std::int64_t expected[] = {n, options.embedding_dim()};
    CT_CHECK(options._weight().sizes() == IntArrayRef(expected, 2), "Embedding: Shape of _weight does not match num_embeddings and embedding_dim: ",
             options._weight().sizes());
    weight = register_parameter("weight", options._weight());
    options._weight(Tensor());  // a clone makes its own
  } else {
    weight = register_parameter("weight", ct::empty({n, options.embedding_dim()}));
    reset_parameters();
  }
}
void EmbeddingImpl::reset_parameters() {
  init::normal_(weight);
  const NoGradGuard guard;
  if (options.padding_idx()) weight.select(0, *options.padding_idx()).zero_();
}
std::string EmbeddingImpl::extra_repr() const {
  std::string out = join({options.num_embeddings(), ", ", options.embedding_dim()});
  if (options.padding_idx()) out += join({", padding_idx=", *options.padding_idx()});
  if (options.max_norm()) out += join({", max_norm=", python(*options.max_norm())});
  if (options.norm_type() != 2) out += join({", norm_type=", python(options.norm_type())});
  return out;
}
Tensor EmbeddingImpl::forward(const Tensor& input) {
  CT_CHECK_TYPE(input.scalar_type() == kLong || input.scalar_type() == kInt, "Embedding: Expected tensor for argument 'indices' to have one of the scalar types "
                "Long, Int; but got ", input.scalar_type(), " instead");
  const Tensor index = input.reshape({-1}).to(kLong);
  if (options.max_norm()) {
    const NoGradGuard guard;
    const Tensor rows = index_select(weight, 0, index);
    const Tensor norms = norm(rows, Scalar(options.norm_type()), IntArrayRef({1}), true);
    const Tensor scale = where(norms > *options.max_norm(), *options.max_norm() / (norms + 1e-7), ones_like(norms));
    weight.index_copy_(0, index, rows * scale);
  }
  Tensor rows = index_select(weight, 0, index);
  if (options.padding_idx()) rows = where((index == *options.padding_idx()).unsqueeze(-1), rows.detach(), rows);
  std::vector<std::int64_t> shape(input.sizes().begin(), input.sizes().end());
  shape.push_back(options.embedding_dim());
  return rows.reshape(shape);
}

}  // namespace ct::nn
