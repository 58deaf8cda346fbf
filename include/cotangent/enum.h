// cotangent/enum.h -- names for choices, as libtorch spells them: options.reduction(ct::kSum).
#pragma once

namespace ct {

// A type for each name, so that an option takes the names that mean something to it and no others.
#define CT_ENUM(name)                        \
  namespace enumtype { struct k##name {}; }  \
  inline constexpr enumtype::k##name k##name{};

CT_ENUM(Sum)
CT_ENUM(Mean)
CT_ENUM(None)
CT_ENUM(BatchMean)
#undef CT_ENUM

}  // namespace ct
