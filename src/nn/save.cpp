// nn/save.cpp -- modules to and from archives.
#include "cotangent/autograd.h"
#include "cotangent/io/archive.h"
#include "cotangent/nn/module.h"

namespace ct::nn {

void Module::save(serialize::OutputArchive& archive) const {
  archive.join_keys();
  for (const auto& p : parameters_)
    if (p->defined()) archive.write(p.key(), *p);
  for (const auto& b : buffers_)
    if (b->defined()) archive.write(b.key(), *b, /*is_buffer=*/true);
  for (const auto& c : children_) {
    if (!c.value()->is_serializable()) continue;
    serialize::OutputArchive child;
    c.value()->save(child);
    archive.write(c.key(), child);
  }
}

void Module::load(serialize::InputArchive& archive) {
  // Into the tensors that are there, in their dtype: members of the module are handles on the same ones.
  const auto read = [&](const std::string& key, const Tensor& mine, bool is_buffer) {
    Tensor given;
    archive.read(key, given, is_buffer);
    CT_CHECK(given.sizes() == mine.sizes(), "load: size mismatch for ", key, ": copying a param with shape ", given.sizes(), " from checkpoint, the shape in current model is ", mine.sizes(), ".");
    const NoGradGuard guard;
    mine.copy_(given);
  };
  for (const auto& p : parameters_)
    if (p->defined()) read(p.key(), *p, false);
  for (const auto& b : buffers_)
    if (b->defined()) read(b.key(), *b, true);
  for (const auto& c : children_) {
    if (!c.value()->is_serializable()) continue;
    serialize::InputArchive child;
    (void)archive.try_read(c.key(), child);  // a module without anything to save leaves no trace in some formats
    c.value()->load(child);
  }
}

}  // namespace ct::nn
