// autograd/multi_grad_hook.cpp -- one hook for several tensors.
#include <algorithm>
#include <mutex>
#include <utility>

#include "autograd/node.h"

namespace ct::autograd::graph {

using detail::impl;

namespace {

// Shared by the hooks on all the tensors. It refers to their nodes without owning them, as they own it.
struct Group {
  struct Member {
    const Node* node = nullptr;                // the producer, or
    const detail::TensorImpl* leaf = nullptr;  // a leaf, whose node may be another one in each backward
    bool alive = true;                         // the pointers may be looked at no more once the hook is gone
  };
  struct Pass {
    std::uint32_t id;
    std::size_t to_come;
    std::vector<Tensor> grads;
  };
  std::mutex mutex;
  int refs = 1;
  MultiGradMode mode;
  Callback<void(const std::vector<Tensor>&)> fn;
  std::vector<Member> members;
  std::vector<Pass> passes;  // running; one that failed stays until the hook is removed

  void arrived(std::size_t k, const Tensor& g) {
    std::vector<Tensor> grads;
    {
      std::lock_guard lock(mutex);
      const std::uint32_t id = detail::current_pass();
      auto pass = std::find_if(passes.begin(), passes.end(), [id](const Pass& p) { return p.id == id; });
      const bool first = pass == passes.end();
      if (first) {
        const auto count = std::count_if(members.begin(), members.end(), [](const Member& m) { return m.alive && detail::current_pass_reaches(m.node, m.leaf); });
        pass = passes.insert(passes.end(), {id, static_cast<std::size_t>(count), std::vector<Tensor>(members.size())});
      }
      pass->grads[k] = g;
      const bool last = --pass->to_come == 0;
      if (mode == MultiGradMode::any ? first : last) grads = pass->grads;
      if (last) passes.erase(pass);
    }
    if (!grads.empty()) fn(grads);
  }
};

// A hook's share of the group.
class Share {
 public:
  Share(Group* g, std::size_t k) : group_(g), k_(k) {
    std::lock_guard lock(g->mutex);
    ++g->refs;
  }
  Share(Share&& o) noexcept : group_(std::exchange(o.group_, nullptr)), k_(o.k_) {}
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;
  ~Share() {
    if (!group_) return;
    {
      std::lock_guard lock(group_->mutex);
      group_->members[k_].alive = false;
    }
    release(group_);
  }
  void operator()(const Tensor& g) const { group_->arrived(k_, g); }
  static void release(Group* g) {
    {
      std::lock_guard lock(g->mutex);
      if (--g->refs > 0) return;
    }
    delete g;
  }

 private:
  Group* group_;
  std::size_t k_;
};

}  // namespace

MultiGradHandle register_multi_grad_hook(TensorList tensors, Callback<void(const std::vector<Tensor>&)> fn, MultiGradMode mode) {
  CT_CHECK(fn, "register_multi_grad_hook: the hook is empty");
  CT_CHECK(!tensors.empty(), "register_multi_grad_hook: Expected tensors to be a non-empty list");
  for (const Tensor& t : tensors)
    CT_CHECK(t.defined() && t.requires_grad(), "register_multi_grad_hook: cannot register a hook on a tensor that doesn't require gradient");
  auto* group = new Group;
  group->mode = mode;
  group->fn = std::move(fn);
  group->members.resize(tensors.size());
  MultiGradHandle handle;
  for (std::size_t k = 0; k < tensors.size(); ++k) {
    const NodePtr producer = tensors[k].grad_fn();
    group->members[k].node = producer.get();
    if (!producer) group->members[k].leaf = impl(tensors[k]);
  }
  for (std::size_t k = 0; k < tensors.size(); ++k)
    handle.hooks.push_back(tensors[k].register_hook([share = Share(group, k)](const Tensor& g) { share(g); }));
  Share::release(group);
  return handle;
}

void MultiGradHandle::remove() {
  for (RemovableHandle& h : hooks) h.remove();
}

}  // namespace ct::autograd::graph
