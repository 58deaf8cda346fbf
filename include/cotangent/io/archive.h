// cotangent/io/archive.h -- libtorch's archives: trees of named tensors and values, in files of any format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <memory>    // archives share what was read; libtorch's interface has pointers to modules
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cotangent/callable.h"
#include "cotangent/io/tensor_dict.h"
#include "cotangent/ivalue.h"

namespace ct {

namespace nn { class Module; }
namespace optim { class Optimizer; }

enum class FileFormat : std::uint8_t { safetensors, pt, npz, npy };

namespace serialize {

/// Collects tensors, values and archives by name, then writes them.
class CT_API OutputArchive final {
 public:
  OutputArchive();
  OutputArchive(OutputArchive&&) noexcept;
  OutputArchive& operator=(OutputArchive&&) noexcept;
  OutputArchive(const OutputArchive&) = delete;
  OutputArchive& operator=(const OutputArchive&) = delete;
  ~OutputArchive();

  // Errors: ct::ValueError for a key that is taken.
  void write(const std::string& key, const IValue& ivalue);
  void write(const std::string& key, const Tensor& tensor, bool is_buffer = false);
  /// Takes over what is in the nested archive.
  void write(const std::string& key, OutputArchive& nested_archive);
  /// In a .pt file a nested archive is a dict. After this call what is nested in this one becomes entries with names that are
  /// joined by dots: what Module::save does, so that Python finds a state_dict.
  void join_keys();

  /// The format follows the name: .pt and .pth as torch.save in Python, .npz and .npy (tensors only), else safetensors.
  /// Errors: ct::IoError with the system's reason; the file that was there stays then.
  void save_to(const std::string& filename);
  void save_to(std::ostream& stream, FileFormat format = FileFormat::safetensors);
  void save_to(FunctionRef<std::size_t(const void* data, std::size_t size)> func);
  template <class... Ts>
  void operator()(Ts&&... ts) { write(static_cast<Ts&&>(ts)...); }

  /// All of it as one value.
  IValue value() const;
  /// Tensors and values with names joined by dots.
  OrderedDict<std::string, IValue> flat() const;
  /// What a file of PyTorch's then holds: not a dict, but this value itself.
  void set_whole(IValue value);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// What was in a file, by name. Names that are joined by dots and nested dicts are the same to it.
class CT_API InputArchive final {
 public:
  InputArchive();
  /// Of a value instead of a file.
  explicit InputArchive(const IValue& value);
  InputArchive(InputArchive&&) noexcept;
  InputArchive& operator=(InputArchive&&) noexcept;
  InputArchive(const InputArchive&) = delete;
  InputArchive& operator=(const InputArchive&) = delete;
  ~InputArchive();

  // Errors of read: ct::IoError naming key and file if there is nothing of this kind under the key; try_read returns false.
  void read(const std::string& key, IValue& ivalue);
  bool try_read(const std::string& key, IValue& ivalue);
  /// A tensor that is defined keeps its identity and gets the values; if sizes or dtype differ and it does not require a
  /// gradient, it becomes the tensor of the file.
  void read(const std::string& key, Tensor& tensor, bool is_buffer = false);
  bool try_read(const std::string& key, Tensor& tensor, bool is_buffer = false);
  void read(const std::string& key, InputArchive& archive);
  bool try_read(const std::string& key, InputArchive& archive);
  /// Reads all of a file of any format that this library knows, which it recognises by its content.
  /// Errors: ct::IoError, naming file and place.
  void load_from(const std::string& filename, std::optional<Device> device = std::nullopt);
  void load_from(std::istream& stream, std::optional<Device> device = std::nullopt);
  void load_from(const char* data, std::size_t size, std::optional<Device> device = std::nullopt);
  void load_from(FunctionRef<std::size_t(std::uint64_t pos, void* buf, std::size_t nbytes)> read_func, FunctionRef<std::size_t()> size_func,
                 std::optional<Device> device = std::nullopt);
  /// The first parts of all names.
  std::vector<std::string> keys() const;
  template <class... Ts>
  void operator()(Ts&&... ts) { read(static_cast<Ts&&>(ts)...); }

  /// All that was read; of the archive that load_from was called on.
  const IValue& value() const;
  /// The file's name, for errors.
  const std::string& name() const;

 private:
  struct State;
  const IValue* find(const std::string& key) const;
  void set(IValue value, std::string name);
  std::shared_ptr<State> state_;
  std::string prefix_;
};

// ---- what archives take ------------------------------------------------------------------------------------------------

CT_API OutputArchive& operator<<(OutputArchive& archive, const Tensor& tensor);
CT_API OutputArchive& operator<<(OutputArchive& archive, const std::vector<Tensor>& tensors);
CT_API OutputArchive& operator<<(OutputArchive& archive, const TensorDict& tensors);
CT_API OutputArchive& operator<<(OutputArchive& archive, const IValue& value);
CT_API OutputArchive& operator<<(OutputArchive& archive, const nn::Module& module);
CT_API OutputArchive& operator<<(OutputArchive& archive, const optim::Optimizer& optimizer);
CT_API InputArchive& operator>>(InputArchive& archive, Tensor& tensor);
/// Adds to the vector, as libtorch does.
CT_API InputArchive& operator>>(InputArchive& archive, std::vector<Tensor>& tensors);
CT_API InputArchive& operator>>(InputArchive& archive, TensorDict& tensors);
CT_API InputArchive& operator>>(InputArchive& archive, IValue& value);
/// Errors: ct::Error with all keys that are missing and shapes that differ; the module is unchanged then. What else is in
/// the archive is not looked at.
CT_API InputArchive& operator>>(InputArchive& archive, nn::Module& module);
CT_API InputArchive& operator>>(InputArchive& archive, optim::Optimizer& optimizer);

// Holders, shared pointers, and standard maps of tensors.
template <class H>
  requires(std::is_base_of_v<nn::Module, std::remove_reference_t<decltype(*std::declval<const H&>().ptr())>>)
OutputArchive& operator<<(OutputArchive& archive, const H& holder) { return archive << static_cast<const nn::Module&>(*holder.ptr()); }
template <class H>
  requires(std::is_base_of_v<nn::Module, std::remove_reference_t<decltype(*std::declval<const H&>().ptr())>>)
InputArchive& operator>>(InputArchive& archive, H& holder) { return archive >> static_cast<nn::Module&>(*holder.ptr()); }
template <class M>
  requires(std::is_base_of_v<nn::Module, M>)
OutputArchive& operator<<(OutputArchive& archive, const std::shared_ptr<M>& module) { return archive << static_cast<const nn::Module&>(*module); }
template <class M>
  requires(std::is_base_of_v<nn::Module, M>)
InputArchive& operator>>(InputArchive& archive, const std::shared_ptr<M>& module) { return archive >> static_cast<nn::Module&>(*module); }
template <class M>
  requires(std::is_same_v<typename M::mapped_type, Tensor> && std::is_same_v<typename M::key_type, std::string>)
OutputArchive& operator<<(OutputArchive& archive, const M& map) {
  TensorDict dict;
  for (const auto& [key, tensor] : map) dict.insert(key, tensor);
  return archive << dict;
}
template <class M>
  requires(std::is_same_v<typename M::mapped_type, Tensor> && std::is_same_v<typename M::key_type, std::string>)
InputArchive& operator>>(InputArchive& archive, M& map) {
  TensorDict dict;
  archive >> dict;
  map.clear();
  for (const auto& item : dict) map.emplace(item.key(), item.value());
  return archive;
}

}  // namespace serialize
}  // namespace ct
