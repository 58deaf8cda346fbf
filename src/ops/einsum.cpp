// ops/einsum.cpp -- sums of products written with letters: parsed here, computed by permute, reshape and bmm.
#include <algorithm>
#include <string>
#include <vector>

#include "ops/linalg.h"

namespace ct {

namespace {

// Letters are 0..51 (A-Z, a-z: the order of implicit outputs); the dimensions of "..." are 52 and up, counted from the right.
constexpr int letters = 52, labels = letters + max_dims;
int label_of(char c) { return c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : -1; }
char letter_of(int label) { return static_cast<char>(label < 26 ? 'A' + label : 'a' + label - 26); }
constexpr int ellipsis = -1;

using Labels = std::vector<int>;
bool has(const Labels& l, int label) { return std::find(l.begin(), l.end(), label) != l.end(); }

// The subscripts of one operand (or of the output), where ellipsis stands for "...".
Labels parse(std::string_view text, std::size_t start, const char* whose, std::size_t number) {
  Labels out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ') continue;
    if (text[i] == '.') {
      CT_CHECK(text.substr(i, 3) == "...", "einsum(): found '.' for ", whose, " ", number, " that is not part of any ellipsis");
      CT_CHECK(!has(out, ellipsis), "einsum(): found '.' for ", whose, " ", number, " for which an ellipsis was already found");
      out.push_back(ellipsis);
      i += 2;
      continue;
    }
    const int label = label_of(text[i]);
    CT_CHECK(label >= 0, "einsum(): invalid subscript given at index ", start + i, " in the equation string, subscripts must be in [a-zA-Z]");
    out.push_back(label);
  }
  return out;
}

// A tensor whose dimensions carry labels.
struct Labelled {
  Tensor t;
  Labels dims;

  void permute_to(const Labels& order) {  // missing labels become dimensions of size 1 at their place
    std::vector<std::int64_t> perm;
    std::vector<std::size_t> missing;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const auto at = std::find(dims.begin(), dims.end(), order[i]);
      if (at == dims.end()) missing.push_back(i);
      else perm.push_back(at - dims.begin());
    }
    if (!std::is_sorted(perm.begin(), perm.end())) t = t.permute(perm);
    for (std::size_t i : missing) t = t.unsqueeze(static_cast<std::int64_t>(i));
    dims = order;
  }
  std::int64_t size(int label) const {
    const auto at = std::find(dims.begin(), dims.end(), label);
    return at == dims.end() ? 1 : t.size(at - dims.begin());
  }
  void sum_out(const Labels& gone) {
    std::vector<std::int64_t> d;
    Labels kept;
    for (std::size_t i = 0; i < dims.size(); ++i) {
      if (has(gone, dims[i])) d.push_back(static_cast<std::int64_t>(i));
      else kept.push_back(dims[i]);
    }
    if (!d.empty()) t = t.sum(d);
    dims = kept;
  }
  // Dimensions of size 1 that the other operand repeats take no part.
  void drop_repeated(const Labelled& other) {
    for (std::size_t i = dims.size(); i-- > 0;)
      if (t.size(static_cast<std::int64_t>(i)) == 1 && has(other.dims, dims[i]) && other.size(dims[i]) != 1) {
        t = t.squeeze(static_cast<std::int64_t>(i));
        dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(i));
      }
  }
};

// a times b summed over the labels in `gone`: one bmm of [batch, a's own, summed] x [batch, summed, b's own].
Labelled contract(Labelled a, Labelled b, const Labels& gone) {
  a.drop_repeated(b);
  b.drop_repeated(a);
  Labels both, own_a, own_b, summed, only_a, only_b;
  for (int l : a.dims) {
    const bool out = has(gone, l);
    if (has(b.dims, l)) (out ? summed : both).push_back(l);
    else (out ? only_a : own_a).push_back(l);
  }
  for (int l : b.dims)
    if (!has(a.dims, l)) (has(gone, l) ? only_b : own_b).push_back(l);
  a.sum_out(only_a);
  b.sum_out(only_b);
  Labelled y;
  for (const Labels* part : {&both, &own_a, &own_b}) y.dims.insert(y.dims.end(), part->begin(), part->end());
  auto joined = [](std::initializer_list<const Labels*> parts) {
    Labels all;
    for (const Labels* p : parts) all.insert(all.end(), p->begin(), p->end());
    return all;
  };
  std::vector<std::int64_t> shape;
  for (int l : y.dims) shape.push_back(has(a.dims, l) ? a.size(l) : b.size(l));
  auto numel = [](const Labelled& x, const Labels& over) {
    std::int64_t n = 1;
    for (int l : over) n *= x.size(l);
    return n;
  };
  const std::int64_t batch = numel(a, both), m = numel(a, own_a), k = numel(a, summed), n = numel(b, own_b);
  a.permute_to(joined({&both, &own_a, &summed}));
  b.permute_to(joined({&both, &summed, &own_b}));
  y.t = bmm(a.t.reshape({batch, m, k}), b.t.reshape({batch, k, n})).view(shape);
  return y;
}

}  // namespace

Tensor einsum(std::string_view equation, TensorList tensors) {
  CT_CHECK(!tensors.empty(), "einsum(): must provide at least one operand");
  const std::size_t arrow = equation.find("->");
  const std::string_view left = equation.substr(0, arrow);

  // Subscripts of each operand.
  std::vector<Labels> given;
  for (std::size_t start = 0;;) {
    const std::size_t comma = left.find(',', start);
    CT_CHECK(given.size() < tensors.size(), "einsum(): fewer operands were provided than specified in the equation\n  \"", equation, "\" with ", tensors.size(), " operands");
    given.push_back(parse(left.substr(start, comma == std::string_view::npos ? comma : comma - start), start, "operand", given.size()));
    if (comma == std::string_view::npos) break;
    start = comma + 1;
  }
  CT_CHECK(given.size() == tensors.size(), "einsum(): more operands were provided than specified in the equation\n  \"", equation, "\" with ", tensors.size(), " operands");

  // Ellipses become labels; sizes must agree or be 1; a label repeated within an operand means its diagonal.
  std::vector<Labelled> operands;
  std::int64_t size[labels], count[labels] = {};
  std::fill(size, size + labels, 1);
  int covered = 0;
  for (std::size_t i = 0; i < given.size(); ++i) {
    CT_CHECK(tensors[i].defined(), "einsum(): operand ", i, " is undefined");
    Labelled x{tensors[i], {}};
    const std::int64_t named = static_cast<std::int64_t>(given[i].size()) - (has(given[i], ellipsis) ? 1 : 0), hidden = x.t.dim() - named;
    if (has(given[i], ellipsis)) {
      CT_CHECK(hidden >= 0, "einsum(): the number of subscripts in the equation (", named, ") is more than the number of dimensions (", x.t.dim(), ") for operand ", i);
    } else {
      CT_CHECK(hidden == 0, "einsum(): the number of subscripts in the equation (", named, ") does not match the number of dimensions (", x.t.dim(),
               ") for operand ", i, " and no ellipsis was given");
    }
    covered = std::max(covered, static_cast<int>(hidden));
    for (int l : given[i]) {
      if (l != ellipsis) x.dims.push_back(l);
      else
        for (std::int64_t d = hidden; d-- > 0;) x.dims.push_back(letters + static_cast<int>(d));
    }
    for (std::size_t d = 0; d < x.dims.size(); ++d) {
      const int l = x.dims[d];
      ++count[l];
      for (std::size_t e = d + 1; e < x.dims.size();) {
        if (x.dims[e] != l) {
          ++e;
          continue;
        }
        const auto da = static_cast<std::int64_t>(d), de = static_cast<std::int64_t>(e);
        CT_CHECK(x.t.size(da) == x.t.size(de), "einsum(): subscript ", std::string(1, letter_of(l)), " is repeated for operand ", i,
                 " but the sizes don't match, ", x.t.size(de), " != ", x.t.size(da));
        ++count[l];
        x.t = x.t.diagonal(0, da, de).movedim(IntArrayRef(std::int64_t{-1}), IntArrayRef(da));
        x.dims.erase(x.dims.begin() + static_cast<std::ptrdiff_t>(e));
      }
      const std::int64_t s = x.t.size(static_cast<std::int64_t>(d));
      CT_CHECK(s == size[l] || s == 1 || size[l] == 1, "einsum(): subscript ", l < letters ? std::string(1, letter_of(l)) : std::string("..."), " has size ", s,
               " for operand ", i, " which does not broadcast with previously seen size ", size[l]);
      if (s != 1) size[l] = s;
    }
    operands.push_back(x);
  }

  // The output: as written, or the ellipsis and then every letter that stands once, in order.
  Labels output;
  auto add_ellipsis = [&] {
    for (int d = covered; d-- > 0;) output.push_back(letters + d);
  };
  if (arrow == std::string_view::npos) {
    add_ellipsis();
    for (int l = 0; l < letters; ++l)
      if (count[l] == 1) output.push_back(l);
  } else {
    const std::string_view right = equation.substr(arrow + 2);
    for (int l : parse(right, arrow + 2, "output", 0)) {
      if (l == ellipsis) {
        add_ellipsis();
        continue;
      }
      CT_CHECK(!has(output, l), "einsum(): output subscript ", std::string(1, letter_of(l)), " appears more than once in the output");
      CT_CHECK(count[l] > 0, "einsum(): output subscript ", std::string(1, letter_of(l)), " does not appear in the equation for any input operand");
      output.push_back(l);
    }
  }

  // From left to right; a label is summed with the last operand that has it.
  Labelled y = operands[0];
  for (std::size_t i = 0; i < operands.size(); ++i) {
    Labels gone, all = y.dims;
    if (i > 0) all.insert(all.end(), operands[i].dims.begin(), operands[i].dims.end());
    for (int l : all) {
      bool later = has(output, l);
      for (std::size_t j = i + 1; j < operands.size(); ++j) later |= has(operands[j].dims, l);
      if (!later && !has(gone, l)) gone.push_back(l);
    }
    if (i > 0) y = contract(y, operands[i], gone);
    else if (operands.size() == 1) y.sum_out(gone);
  }
  y.permute_to(output);
  return y.t;
}

}  // namespace ct
