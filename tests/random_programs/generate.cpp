// tests/random_programs/generate.cpp -- a random program for a seed. Instructions are tried as they are drawn, so that most
// programs run to their end, and what would only fail is drawn seldom.
#include <algorithm>
#include <cmath>

#include "random_programs/ours.h"

namespace programs {

namespace {

using ct::Tensor;

Program tried_;  // all that the program being drawn has tried, for when it crashes

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 12345) { ct::set_warning_handler([](std::string_view) {}); }

  Program run() {
    tried_.clear();
    const int length = 5 + below(56);
    // Moods: how often a write may spoil what backward needs, how often an operand is chosen blindly, how much is looked at.
    risk_ = below(4) == 0 ? 0.3 : 0.02;
    blind_ = below(4) == 0 ? 0.05 : 0.003;
    look_ = 0.25 * below(4);
    writes_ = 0.5 + below(4) * 0.5;
    std::int64_t dims = below(4);
    for (std::int64_t d = 0; d < dims; ++d) shape_.push_back(below(20) == 0 ? 0 : 1 + below(3));
    for (int k = 1 + below(3); k-- > 0;) add(Code::leaf);
    for (int tries = 0; static_cast<int>(program_.size()) < length && tries < 4 * length; ++tries) add(choose());
    if (!ct::GradMode::is_enabled() && !ct::InferenceMode::is_enabled()) add(Code::enable_grad);
    if (ct::InferenceMode::is_enabled()) add(Code::inference_off);
    for (int k = 0; k < 2; ++k) add(Code::backward);
    return std::move(program_);
  }

 private:
  double uniform() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    const std::uint64_t x = (state_ ^ (state_ >> 29)) * 0xbf58476d1ce4e5b9u;
    return static_cast<double>((x ^ (x >> 32)) >> 11) * 0x1p-53;
  }
  int below(std::int64_t n) { return n <= 0 ? 0 : static_cast<int>(uniform() * static_cast<double>(n)); }
  bool chance(double p) { return uniform() < p; }

  Code choose() {
    if (ct::InferenceMode::is_enabled() && chance(0.25)) return Code::inference_off;
    if (!ct::GradMode::is_enabled() && !ct::InferenceMode::is_enabled() && chance(0.3)) return Code::enable_grad;
    double total = 0;
    for (int c = 0; c < code_count(); ++c) total += weight(static_cast<Code>(c));
    double x = uniform() * total;
    for (int c = 0; c < code_count(); ++c)
      if ((x -= weight(static_cast<Code>(c))) < 0) return static_cast<Code>(c);
    return Code::add;
  }
  double weight(Code c) const {
    const Description& d = describe(c);
    const bool off = c == Code::enable_grad || c == Code::inference_off;
    if (off) return 0;
    return d.weight * (d.kind == Kind::write || d.kind == Kind::write_saving ? writes_ : d.kind == Kind::backward ? 0.6 : 1);
  }

  // ---- operands ----
  const Tensor& reg(int r) const { return machine_.reg(r); }
  int group(const Tensor& t) const {
    for (std::size_t r = 0; r < machine_.registers.size(); ++r)
      if (machine_.registers[r].defined() && machine_.registers[r].is_alias_of(t)) return static_cast<int>(r);
    return -1;
  }
  bool is_saved(const Tensor& t) const {
    const int g = group(t);
    return g >= 0 && static_cast<std::size_t>(g) < saved_.size() && saved_[static_cast<std::size_t>(g)];
  }
  void save(const Tensor& t) {
    const int g = group(t);
    if (g < 0) return;
    if (saved_.size() <= static_cast<std::size_t>(g)) saved_.resize(static_cast<std::size_t>(g) + 1);
    saved_[static_cast<std::size_t>(g)] = true;
  }
  static bool broadcasts(ct::IntArrayRef from, ct::IntArrayRef to, bool both) {
    if (!both && from.size() > to.size()) return false;
    for (std::size_t d = 1; d <= std::min(from.size(), to.size()); ++d) {
      const std::int64_t x = from[from.size() - d], y = to[to.size() - d];
      if (x != y && x != 1 && !(both && y == 1)) return false;
    }
    return true;
  }
  bool writable(const Tensor& t) {
    if (is_saved(t) && !chance(risk_)) return false;
    if (chance(0.02)) return true;
    for (std::int64_t d = 0; d < t.dim(); ++d)
      if (t.stride(d) == 0 && t.size(d) > 1) return false;
    if (t.is_inference() && !ct::InferenceMode::is_enabled()) return false;
    if (!ct::GradMode::is_enabled()) return true;
    const Tensor& root = t.is_view() ? t._base() : t;
    if (root.requires_grad() && root.is_leaf()) return false;
    return !(t.is_view() && restricted_.size() > 0 && std::find(restricted_.begin(), restricted_.end(), group_of_register(t)) != restricted_.end());
  }
  int group_of_register(const Tensor& t) const {
    for (std::size_t r = 0; r < machine_.registers.size(); ++r)
      if (machine_.registers[r].is_same(t)) return static_cast<int>(r);
    return -1;
  }
  bool fits(char letter, const Tensor& t, const Tensor& a) {
    try {
      return fits_now(letter, t, a);
    } catch (const ct::Error&) {  // a view that outlived a write to its base must not be asked for its history
      return chance(0.05);
    }
  }
  bool fits_now(char letter, const Tensor& t, const Tensor& a) {
    const bool floating = t.is_floating_point();
    switch (letter) {
      case 'd': return true;
      case 'f': return floating;
      case 'p': return floating && t.dim() >= 1;
      case 'q': return floating && t.dim() >= 2;
      case 'w': return floating && t.dim() >= 1 && writable(t);
      case 'W': return floating && t.dim() >= 2 && writable(t);
      case 'o': return floating && t.dim() >= 1 && !t.is_view() && writable(t);
      case 'l': return floating && t.is_leaf() && t.requires_grad();
      case 'r': return t.requires_grad();
      case 'b': return floating && broadcasts(t.sizes(), a.sizes(), true);
      case '=': return t.scalar_type() == a.scalar_type() && t.sizes() == a.sizes();
      case '<': return floating && broadcasts(t.sizes(), a.sizes(), false);
      case 'm': return t.scalar_type() == ct::kBool && broadcasts(t.sizes(), a.sizes(), false);
      default: return false;
    }
  }
  int pick(char letter, const Tensor& a) {
    if (letter != 'm' && letter != '=' && letter != 'o' && chance(blind_)) letter = 'd';
    std::vector<int> all, tracked;
    for (std::size_t r = 0; r < machine_.registers.size(); ++r) {
      const Tensor& t = machine_.registers[r];
      if (!t.defined() || t.numel() > 200 || !fits(letter, t, a)) continue;
      all.push_back(static_cast<int>(r));
      if (t.requires_grad()) tracked.push_back(static_cast<int>(r));
    }
    const std::vector<int>& from = !tracked.empty() && chance(0.75) ? tracked : all;
    if (from.empty()) return -1;
    // Later ones rather than earlier ones.
    const int n = static_cast<int>(from.size());
    return from[static_cast<std::size_t>(std::max(below(n), below(n)))];
  }

  std::vector<std::int64_t> new_shape() {
    std::vector<std::int64_t> s = shape_;
    if (chance(0.2)) for (auto& d : s) d = chance(0.4) ? 1 : d;
    if (chance(0.15) && !s.empty()) s.erase(s.begin());
    if (chance(0.1)) s.insert(s.begin(), 1 + below(2));
    if (chance(0.1)) for (auto& d : s) d = 1 + below(3);
    return s;
  }
  std::vector<std::int64_t> other_shape(const Tensor& a) {
    std::int64_t left = a.numel();
    std::vector<std::int64_t> s;
    for (std::int64_t d : {2, 3, 2}) {
      if (left > 0 && left % d == 0 && left > d && chance(0.5)) s.push_back(d), left /= d;
    }
    s.insert(s.begin() + below(static_cast<std::int64_t>(s.size()) + 1), chance(0.3) && a.numel() > 0 ? -1 : left);
    if (chance(0.2)) s.insert(s.begin(), 1);
    if (chance(blind_)) s.push_back(2);
    return s;
  }

  void add(Code code) {
    const Description& d = describe(code);
    // libtorch's detach_() does nothing in inference mode, and its backward records in part; to a gradient that is an inference
    // tensor it adds before it says that it may not.
    if (ct::InferenceMode::is_enabled() && (d.kind == Kind::create || d.kind == Kind::backward || code == Code::detach_ || code == Code::give_grad)) return;
    Instruction q;
    q.code = code;
    q.number = static_cast<std::int16_t>(next_++);
    const char* p = d.operands;
    for (int x = 0; *p && *p != '/'; ++p, ++x) {
      q.operand[x] = static_cast<std::int16_t>(pick(*p, reg(q.operand[0])));
      if (q.operand[x] < 0) return;
    }
    const Tensor a = reg(q.operand[0]);
    if (*p == '/') {
      if (p[1] == 's') q.s = new_shape();
      if (p[1] == 'r') q.s = other_shape(a);
      if (p[1] == 'x') {
        q.s = a.sizes().vec();
        for (auto& n : q.s) n = n == 1 && chance(0.7) ? 2 : chance(0.2) ? -1 : n;
        if (chance(0.5)) q.s.insert(q.s.begin(), 1 + below(2));
      }
      if (p[1] == 'u') {
        const std::int64_t n = a.numel();
        if (n >= 4 && chance(0.5)) q.s = {2, 1 + below(n / 2)}, q.strides = {chance(0.2) ? 1 : n / 2, 1};
        else q.s = {1 + below(n)}, q.strides = {1};
        if (q.strides.size() == 1 && q.s[0] <= n / 2 && chance(0.5)) q.strides[0] = 2;
        if (a.numel() == 0 || (!a.is_contiguous() && !chance(0.1))) return;
      }
    }
    if (a.defined()) {
      const std::int64_t dims = std::max<std::int64_t>(1, a.dim());
      q.i = below(dims), q.j = below(dims);
      const std::int64_t size = a.dim() ? a.size(q.i) : 1;
      q.k = below(size), q.n = 1 + below(size - q.k);
      if (chance(0.2)) q.i -= dims;
      if (chance(blind_)) q.i = 3, q.k = 4;
    }
    q.m = 1 + below(3);
    if (chance(0.6)) q.m = 1 + below(2);
    q.v = std::round(4 * (2 * uniform() - 1)) / 4 + 0.125;
    q.u = chance(0.5) ? 2 : -1.5;
    q.z = below(1000);
    const bool backward = d.kind == Kind::backward;
    q.f = chance(backward ? 0.9 : 0.3), q.g = chance(0.15), q.h = chance(0.7);
    q.look = chance(look_);

    // A write is a write into all that shares the memory.
    const bool tracked = ct::GradMode::is_enabled();
    tried_.push_back(q);
    const bool works = machine_.step(q);
    if (!works && !chance(0.35)) return;
    if (d.kind == Kind::saving || d.kind == Kind::write_saving) {
      if (tracked)
        for (int r : {int{q.operand[1]}, int{q.operand[2]}})
          if (reg(r).defined() && reg(r).is_floating_point()) save(reg(r));
      if (tracked && a.defined()) save(a);
      for (int r = 0; r < results; ++r)
        if (tracked && reg(q.number * results + r).defined()) save(reg(q.number * results + r));
    }
    if (d.kind == Kind::view)
      for (int r = 0; r < results; ++r) {
        const bool several = code == Code::unbind || code == Code::split || code == Code::chunk || code == Code::tensor_split;
        const bool of_several = std::find(restricted_.begin(), restricted_.end(), int{q.operand[0]}) != restricted_.end();
        if (several || of_several || !tracked) restricted_.push_back(q.number * results + r);
      }
    program_.push_back(std::move(q));
  }

  std::uint64_t state_;
  double risk_ = 0, blind_ = 0, look_ = 0, writes_ = 1;
  std::vector<std::int64_t> shape_;
  ours::Machine machine_;
  std::vector<bool> saved_;
  std::vector<int> restricted_;  // views that may not be written where gradients are recorded
  int next_ = 0;
  Program program_;
};

}  // namespace

const Program& tried() { return tried_; }

Program generate(std::uint64_t seed) { return Generator(seed).run(); }

}  // namespace programs
