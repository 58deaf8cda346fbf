// nn/save.cpp -- modules to and from archives.
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
  for (auto& p : parameters_)
    if (p->defined()) archive.read(p.key(), *p);
  for (auto& b : buffers_)
    if (b->defined()) archive.read(b.key(), *b, /*is_buffer=*/true);
  for (const auto& c : children_) {
    if (!c.value()->is_serializable()) continue;
    serialize::InputArchive child;
    (void)archive.try_read(c.key(), child);  // a module without anything to save leaves no trace in some formats
    c.value()->load(child);
  }
}

}  // namespace ct::nn
