#include <pathline/train/checkpoint/run_keeper.hpp>

#include <support/catch.hpp>
#include <support/memory_keeper.hpp>

#include <string>

using namespace pathline;

namespace {

// One thing missing each.
struct NoEvery : test::MemoryKeeper {
  void every() const;
};
struct NoName : test::MemoryKeeper {
  void name() const;
};
struct NoRead : test::MemoryKeeper {
  void read() const;
};
struct NoWrite : test::MemoryKeeper {
  void write() const;
};
struct ReadsNoValues : test::MemoryKeeper {
  [[nodiscard]] std::optional<int> read() const;
};
static_assert(RunKeeper<test::MemoryKeeper>);
static_assert(!RunKeeper<NoEvery> && !RunKeeper<NoName> && !RunKeeper<NoRead> && !RunKeeper<NoWrite>);
static_assert(!RunKeeper<ReadsNoValues> && !RunKeeper<int>);

}  // namespace

TEST_CASE("A checkpoint of another run is refused with every difference", "[train][checkpoint][errors]") {
  const CheckpointError error("the checkpoint a.b",
                              {"epochs is 2 in place of 3", "Adam: beta1 is 0.5 in place of 0.9"});
  CHECK(error.differences.size() == 2);
  CHECK(std::string(error.what()) ==
        "fit: the checkpoint a.b keeps another run: epochs is 2 in place of 3; Adam: beta1 is 0.5 in place of 0.9. "
        "Start the same run, give this one a checkpoint of its own, or delete that file");
}
