// cotangent/io.h -- files: save and load for tensors, modules and optimizers; safetensors, .pt, .npy, .npz. Not in cotangent.h.
#pragma once

#include "cotangent/generator.h"
#include "cotangent/io/archive.h"
#include "cotangent/io/numpy.h"
#include "cotangent/io/pickle.h"
#include "cotangent/io/safetensors.h"

namespace ct {

/// Writes a tensor, a vector, OrderedDict or std::map of tensors, a module, an optimizer or an IValue.
///   ct::save(net, "net.safetensors");   ct::save(optimizer, "optimizer.pt");   ct::save(x, stream);
/// The format follows the file's name: .pt and .pth as Python's torch.save, .npz and .npy, else safetensors; a stream gets
/// safetensors, or the format that is given. The file is complete or the one that was there before; see docs/io.md.
/// Errors: ct::IoError with the system's reason.
template <class Value, class... To>
  requires(sizeof...(To) >= 1)
void save(const Value& value, To&&... to) {
  serialize::OutputArchive archive;
  archive << value;
  archive.save_to(static_cast<To&&>(to)...);
}

/// Reads what save wrote, in any of the formats, which is recognised by the content.
/// A tensor that is defined, a module and an optimizer keep their identity and get the values.
/// Errors: ct::IoError for a damaged file, naming file and place; ct::Error for one that does not fit. What was to be loaded
/// into is unchanged then.
template <class Value, class... From>
  requires(sizeof...(From) >= 1)
void load(Value&& value, From&&... from) {
  serialize::InputArchive archive;
  archive.load_from(static_cast<From&&>(from)...);
  archive >> value;
}
/// Whatever is in the file, as Python's torch.load: auto checkpoint = ct::load("last.pt"); checkpoint["epoch"].toInt().
CT_API IValue load(const std::string& path);
CT_API IValue load(std::istream& stream);

/// Everything that training needs to go on as if it had not been interrupted: parameters and buffers, the optimizer's state
/// and options, the state of the random numbers, and what you add (the epoch, a scheduler's state_dict()).
/// In a .pt file Python finds a dict with "model", "optimizer", "rng_state" and "extra".
CT_API void save_checkpoint(const std::string& path, const nn::Module& model, const optim::Optimizer& optimizer, const IValue& extra = {},
                            const Generator& generator = default_generator());
/// Returns what was added. Errors: as load; model, optimizer and generator are unchanged then.
CT_API IValue load_checkpoint(const std::string& path, nn::Module& model, optim::Optimizer& optimizer, const Generator& generator = default_generator());

}  // namespace ct
