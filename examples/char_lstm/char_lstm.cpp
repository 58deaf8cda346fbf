// char_lstm.cpp -- a network that reads a page letter by letter, learns to guess the next letter, and then writes on its own.
//
//   char_lstm FOLDER [STEPS]     FOLDER has gradients.txt, which it reads, and unseen.txt, which it never learns from
#include <cotangent/cotangent.h>
#include <cotangent/nn.h>
#include <cotangent/nn/functional.h>
#include <cotangent/optim.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>

namespace {

using ct::Tensor;
namespace nn = ct::nn;
namespace F = ct::nn::functional;

std::string read(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot read " + path);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  for (char& c : text)
    if (c == '\n') c = ' ';
  return text;
}

// The letters of a text, numbered.
struct Alphabet {
  std::string letters;
  explicit Alphabet(const std::string& text) {
    for (char c : text)
      if (letters.find(c) == std::string::npos) letters += c;
  }
  std::int64_t size() const { return static_cast<std::int64_t>(letters.size()); }
  Tensor numbers(const std::string& text) const {
    std::vector<std::int64_t> out;
    for (char c : text) out.push_back(static_cast<std::int64_t>(letters.find(c) % letters.size()));  // one that is new counts as the first
    return ct::tensor(out);
  }
};

// Letters -> vectors -> LSTM -> a score for each letter that may come next.
struct ReaderImpl : nn::Module {
  using State = std::optional<std::tuple<Tensor, Tensor>>;

  explicit ReaderImpl(std::int64_t letters)
      : vectors(register_module("vectors", nn::Embedding(letters, 32))),
        memory(register_module("memory", nn::LSTM(32, 128))),
        scores(register_module("scores", nn::Linear(128, letters))) {}

  // text [T, B] -> scores [T, B, letters], and what it remembers of it
  std::tuple<Tensor, State> forward(const Tensor& text, const State& before = {}) {
    auto [read, state] = memory(vectors(text), before);
    return {scores(read), state};
  }

  nn::Embedding vectors;
  nn::LSTM memory;
  nn::Linear scores;
};
CT_MODULE(Reader);

// How many letters it guesses right, each from all that came before.
double accuracy(Reader& reader, const Tensor& text) {
  const ct::NoGradGuard guard;
  const std::int64_t n = text.size(0) - 1;
  const Tensor scores = std::get<0>(reader(text.narrow(0, 0, n).unsqueeze(1))).squeeze(1);
  return scores.argmax(-1).eq(text.narrow(0, 1, n)).to(ct::kDouble).mean().item<double>();
}

std::string write(Reader& reader, const Alphabet& alphabet, std::string text, int letters) {
  const ct::NoGradGuard guard;
  ReaderImpl::State state;
  Tensor next = alphabet.numbers(text).unsqueeze(1);
  for (int i = 0; i < letters; ++i) {
    Tensor scores;
    std::tie(scores, state) = reader(next, state);
    const Tensor chances = (scores[-1][0] * 2).softmax(0);  // times 2: a little bolder than it is
    next = ct::multinomial(chances, 1).unsqueeze(1);
    text += alphabet.letters[static_cast<std::size_t>(next.item<std::int64_t>())];
  }
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string folder = argc > 1 ? argv[1] : ".";
  const int steps = argc > 2 ? std::atoi(argv[2]) : 600;
  const std::string text = read(folder + "/gradients.txt");
  const Alphabet alphabet(text);
  const Tensor all = alphabet.numbers(text), unseen = alphabet.numbers(read(folder + "/unseen.txt"));

  ct::manual_seed(1);
  Reader reader(alphabet.size());
  std::cout << text.size() << " letters, " << alphabet.size() << " different ones\n" << reader << "\n";

  // 16 readers side by side, each with a part of the page; 64 letters at a time. The memory goes on from one piece to the
  // next, but gradients do not: the states are detached.
  constexpr std::int64_t readers = 16, piece = 64;
  const std::int64_t length = (all.size(0) - 1) / readers, pieces = (length + piece - 1) / piece;
  const Tensor inputs = all.narrow(0, 0, readers * length).view({readers, length}).t().contiguous();
  const Tensor targets = all.narrow(0, 1, readers * length).view({readers, length}).t().contiguous();
  ct::optim::Adam optimizer(reader->parameters(), ct::optim::AdamOptions(5e-3));
  ReaderImpl::State state;
  for (int step = 0; step < steps; ++step) {
    const std::int64_t at = step % pieces * piece, now = std::min(piece, length - at);
    if (at == 0) state.reset();
    optimizer.zero_grad();
    Tensor scores;
    std::tie(scores, state) = reader(inputs.narrow(0, at, now), state);
    const Tensor loss = F::cross_entropy(scores.flatten(0, 1), targets.narrow(0, at, now).flatten());
    loss.backward();
    nn::utils::clip_grad_norm_(reader->parameters(), 1);
    optimizer.step();
    state = std::make_tuple(std::get<0>(*state).detach(), std::get<1>(*state).detach());
    if (step % 100 == 0 || step + 1 == steps) std::cout << "step " << step << ": loss " << loss.item<double>() << "\n";
  }

  const double known = accuracy(reader, all), new_text = accuracy(reader, unseen);
  std::cout << "next letter guessed right: " << 100 * known << " % of the page it read, " << 100 * new_text << " % of one it never saw\n"
            << "it writes: " << write(reader, alphabet, "The gradient ", 300) << "\n";
  if (known < 0.9 || new_text < 0.4) {
    std::cout << "expected at least 90 % and 40 %\n";
    return 1;
  }
}
