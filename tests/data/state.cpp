// tests/data/state.cpp -- samplers go on where an archive says, and refuse what cannot be.
#include <doctest/doctest.h>

#include "cotangent/data/chunk.h"
#include "cotangent/io.h"
#include "data/data_check.h"
#include "io/files.h"

using namespace data_check;
namespace samplers = ct::data::samplers;
using ct::serialize::InputArchive;
using ct::serialize::OutputArchive;

namespace {

// A third of an epoch, then into a file and out of it in another sampler: the rest has to be the same.
template <class S>
void check_goes_on(const S& fresh) {
  const test_io::Folder folder;
  S a = fresh, b = fresh;
  a.reset(std::nullopt), b.reset(std::nullopt);
  a.next(3);
  OutputArchive out;
  out << a;
  out.save_to(folder / "sampler.pt");
  InputArchive in;
  in.load_from(folder / "sampler.pt");
  in >> b;
  CHECK(b.index() == a.index());
  for (;;) {
    const auto x = a.next(4), y = b.next(4);
    CHECK(x.has_value() == y.has_value());
    if (!x || !y) break;
    CHECK(*x == *y);
  }
}

struct Reader : ct::data::datasets::ChunkDataReader<int> {
  std::vector<int> read_chunk(std::size_t i) override { return {static_cast<int>(i)}; }
  std::size_t chunk_count() override { return 5; }
  void reset() override {}
};
struct Mine : samplers::Sampler<> {
  void reset(std::optional<std::size_t>) override {}
  std::optional<Places> next(std::size_t) override { return std::nullopt; }
};

}  // namespace

TEST_CASE("sampler state: every sampler goes on where it was") {
  check_goes_on(samplers::SequentialSampler(10));
  check_goes_on(samplers::RandomSampler(10));
  check_goes_on(samplers::RandomSampler(10, ct::kInt));
  check_goes_on(samplers::PythonRandomSampler(10, false, 25));
  check_goes_on(samplers::PythonRandomSampler(10, true, 70));
  check_goes_on(samplers::SubsetRandomSampler({4, 5, 6, 7, 8}));
  check_goes_on(samplers::WeightedRandomSampler({0.1, 0.5, 0.2}, 10));
  check_goes_on(samplers::DistributedRandomSampler(20, 2, 1));
  check_goes_on(samplers::DistributedSequentialSampler(20, 2, 1));

  samplers::StreamSampler a(10), b(10);
  a.next(6);
  OutputArchive out;
  a.save(out);
  InputArchive in(out.value());
  b.load(in);
  CHECK(b.next(9)->size() == 4);
}

TEST_CASE("sampler state: a chunked dataset goes on with the chunks that are left") {
  using D = ct::data::datasets::ChunkDataset<Reader, samplers::SequentialSampler, samplers::SequentialSampler>;
  samplers::SequentialSampler half(5);
  half.next(3);
  OutputArchive out;
  half.save(out);
  InputArchive in(out.value());
  D d(Reader(), samplers::SequentialSampler(5), samplers::SequentialSampler(0), ct::data::datasets::ChunkDatasetOptions(1, 2));
  d.load(in);
  d.reset();
  CHECK(*d.get_batch() == std::vector<int>{3, 4});
  CHECK_FALSE(d.get_batch());
  OutputArchive end;
  end << d;
  CHECK(end.flat().contains("index"));
}

TEST_CASE("sampler state: damaged state is refused, and the sampler stays as it was") {
  OutputArchive out;
  out.write("index", ct::tensor(-1));
  out.write("order", ct::tensor({0, 9}));
  InputArchive in(out.value());
  samplers::SequentialSampler s(4);
  CHECK(has(error_of<ct::IoError>([&] { s.load(in); }), "'index' of a sampler is -1"));
  CHECK(s.next(9)->size() == 4);
  OutputArchive far;
  far.write("index", ct::tensor(1));
  far.write("order", ct::tensor({0, 9}));
  InputArchive bad(far.value());
  samplers::SubsetRandomSampler sub({1, 2});
  CHECK(has(error_of<ct::IoError>([&] { sub.load(bad); }), "has the place 9, but there are 2 examples"));
  samplers::RandomSampler random(3);
  CHECK_THROWS_AS(random.load(bad), ct::IoError);
  Mine mine;
  CHECK_THROWS_AS(mine.save(out), ct::NotImplementedError);
  CHECK_THROWS_AS(in >> mine, ct::NotImplementedError);
}
