// io/models.cpp -- modules, optimizers and checkpoints of both.
#include "cotangent/io.h"
#include "cotangent/nn/module.h"
#include "cotangent/optim/optimizer.h"
#include "io/source.h"

namespace ct {
namespace serialize {

OutputArchive& operator<<(OutputArchive& archive, const nn::Module& module) {
  module.save(archive);
  return archive;
}

namespace {

// What the module would save is what it is going to read: names and shapes are compared before anything is changed.
void check_fits(InputArchive& archive, const nn::Module& module) {
  OutputArchive own;
  module.save(own);
  std::string missing, shapes;
  for (const auto& e : own.flat()) {
    IValue given;
    if (!archive.try_read(e.key(), given) || given.kind() != e->kind())
      missing += ct::detail::join({missing.empty() ? "" : ", ", "\"", io::shown(e.key()), "\""});
    else if (e->isTensor() && given.toTensor().sizes() != e->toTensor().sizes())
      shapes += ct::detail::join({"\n\tsize mismatch for ", e.key(), ": copying a param with shape ", given.toTensor().sizes(), " from checkpoint, the shape in current model is ",
                                  e->toTensor().sizes(), "."});
  }
  if (missing.empty() && shapes.empty()) return;
  std::string there;
  for (const std::string& k : archive.keys()) {
    if (there.size() > 300) break;
    there += ct::detail::join({there.empty() ? "" : ", ", io::shown(k)});
  }
  if (!missing.empty()) missing = ct::detail::join({"\n\tMissing key(s) in state_dict: ", missing, "."});
  CT_THROW(io, "load: '", io::shown(archive.name()), "': Error(s) in loading state_dict for ", module.name(), ":", missing, shapes, "\n  The file has: ", there);
}

}  // namespace

InputArchive& operator>>(InputArchive& archive, nn::Module& module) {
  check_fits(archive, module);
  module.load(archive);
  return archive;
}
OutputArchive& operator<<(OutputArchive& archive, const optim::Optimizer& optimizer) {
  optimizer.save(archive);
  return archive;
}
InputArchive& operator>>(InputArchive& archive, optim::Optimizer& optimizer) {
  optimizer.load(archive);
  return archive;
}

}  // namespace serialize

void save_checkpoint(const std::string& path, const nn::Module& model, const optim::Optimizer& optimizer, const IValue& extra, const Generator& generator) {
  serialize::OutputArchive archive, of_model, of_optimizer;
  of_model << model;
  of_optimizer << optimizer;
  archive.write("model", of_model);
  archive.write("optimizer", of_optimizer);
  archive.write("rng_state", generator.get_state());
  archive.write("extra", extra);
  archive.save_to(path);
}

IValue load_checkpoint(const std::string& path, nn::Module& model, optim::Optimizer& optimizer, const Generator& generator) {
  serialize::InputArchive archive, of_model, of_optimizer;
  archive.load_from(path);
  archive.read("model", of_model);
  archive.read("optimizer", of_optimizer);
  Tensor rng_state;
  IValue extra;
  archive.read("rng_state", rng_state);
  (void)archive.try_read("extra", extra);
  // Each of the three changes all or nothing; what came before one that fails is put back.
  const Tensor rng_before = generator.get_state();
  const IValue optimizer_before = optimizer.state_dict();
  try {
    generator.set_state(rng_state);
    of_optimizer >> optimizer;
    of_model >> model;
  } catch (...) {
    generator.set_state(rng_before);
    optimizer.load_state_dict(optimizer_before);
    throw;
  }
  return extra;
}

}  // namespace ct
