// cotangent/enum.h -- names for choices, as libtorch spells them: options.reduction(ct::kSum).
#pragma once

#include <cstddef>
#include <string_view>
#include <type_traits>

namespace ct {

// A type for each name, so that an option takes the names that mean something to it and no others. Each converts to the word
// that Python has for it, so that init::kaiming_normal_(w, 0, kFanOut, kReLU) and (w, 0, "fan_out", "relu") are the same.
#define CT_ENUM(Name, word)                                                        \
  namespace enumtype {                                                             \
  struct k##Name {                                                                 \
    static constexpr std::string_view name = word;                                 \
    constexpr operator std::string_view() const { return name; }                   \
  };                                                                               \
  }                                                                                \
  inline constexpr enumtype::k##Name k##Name{};

// reductions
CT_ENUM(Sum, "sum")
CT_ENUM(Mean, "mean")
CT_ENUM(Max, "max")
CT_ENUM(None, "none")
CT_ENUM(BatchMean, "batchmean")
// nonlinearities, and modes of initial values
CT_ENUM(Linear, "linear")
CT_ENUM(Conv1D, "conv1d")
CT_ENUM(Conv2D, "conv2d")
CT_ENUM(Conv3D, "conv3d")
CT_ENUM(ConvTranspose1D, "conv_transpose1d")
CT_ENUM(ConvTranspose2D, "conv_transpose2d")
CT_ENUM(ConvTranspose3D, "conv_transpose3d")
CT_ENUM(Sigmoid, "sigmoid")
CT_ENUM(Tanh, "tanh")
CT_ENUM(ReLU, "relu")
CT_ENUM(GELU, "gelu")
CT_ENUM(SiLU, "silu")
CT_ENUM(Mish, "mish")
CT_ENUM(LeakyReLU, "leaky_relu")
CT_ENUM(SELU, "selu")
CT_ENUM(FanIn, "fan_in")
CT_ENUM(FanOut, "fan_out")
// padding and interpolation
CT_ENUM(Constant, "constant")
CT_ENUM(Reflect, "reflect")
CT_ENUM(Replicate, "replicate")
CT_ENUM(Circular, "circular")
CT_ENUM(Nearest, "nearest")
CT_ENUM(NearestExact, "nearest-exact")
CT_ENUM(Bilinear, "bilinear")
CT_ENUM(Bicubic, "bicubic")
CT_ENUM(Trilinear, "trilinear")
CT_ENUM(Area, "area")
CT_ENUM(Zeros, "zeros")
CT_ENUM(Border, "border")
CT_ENUM(Reflection, "reflection")
CT_ENUM(Valid, "valid")
CT_ENUM(Same, "same")
// recurrent layers
CT_ENUM(RNN_TANH, "RNN_TANH")
CT_ENUM(RNN_RELU, "RNN_RELU")
CT_ENUM(LSTM, "LSTM")
CT_ENUM(GRU, "GRU")
#undef CT_ENUM

/// One of the given names, the first by default: Choice<enumtype::kZeros, enumtype::kReflect> mode = kReflect;
template <class... Names>
class Choice {
 public:
  constexpr Choice() = default;
  template <class Name>
    requires((std::is_same_v<Name, Names> || ...))
  constexpr Choice(Name) : index_(index_of<Name>()) {}

  /// mode.is(kReflect)
  template <class Name>
    requires((std::is_same_v<Name, Names> || ...))
  constexpr bool is(Name) const { return index_ == index_of<Name>(); }
  /// Python's word: "reflect".
  constexpr std::string_view name() const {
    constexpr std::string_view names[] = {Names::name...};
    return names[index_];
  }
  /// Its place among the names.
  constexpr std::size_t index() const { return index_; }
  constexpr bool operator==(const Choice&) const = default;

 private:
  template <class Name>
  static constexpr unsigned char index_of() {
    unsigned char i = 0, found = 0;
    ((std::is_same_v<Name, Names> ? void(found = i) : void(), ++i), ...);
    return found;
  }
  unsigned char index_ = 0;
};

}  // namespace ct
