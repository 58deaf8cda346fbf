// cotangent/data/mnist.h -- the MNIST images of handwritten digits, from files on disk.
#pragma once

#include <string>

#include "cotangent/data/datasets.h"

namespace ct::data::datasets {

/// 60,000 images for training or 10,000 for testing, with the digits that they show. Nothing is downloaded.
class CT_API MNIST : public Dataset<MNIST> {
 public:
  enum class Mode { kTrain, kTest };
  using StackedDataset = MNIST;

  /// Reads train-images-idx3-ubyte and train-labels-idx1-ubyte, or t10k-..., from the folder `root`.
  /// Errors: ct::IoError for files that are missing, damaged, or of another kind.
  explicit MNIST(const std::string& root, Mode mode = Mode::kTrain);

  Example<> get(std::size_t index) override;
  std::optional<std::size_t> size() const override;
  Example<> get_stacked(ArrayRef<std::size_t> indices);
  bool is_train() const noexcept { return mode_ == Mode::kTrain; }
  /// [n, 1, 28, 28], kFloat from 0 to 1.
  const Tensor& images() const { return images_; }
  /// [n], kLong.
  const Tensor& targets() const { return targets_; }

 private:
  Mode mode_;
  Tensor images_, targets_;
};

}  // namespace ct::data::datasets
