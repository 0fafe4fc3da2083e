#include <pathline/io/write_log.hpp>

#include <pathline/train/adam.hpp>
#include <pathline/train/callbacks.hpp>
#include <pathline/train/fit.hpp>

#include <support/catch.hpp>
#include <support/folder.hpp>
#include <support/memory_keeper.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <sstream>
#include <string>

#if defined(__unix__) || defined(__APPLE__)
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

using namespace pathline;
using io::LogFormat;
using io::WriteLog;

namespace {

EpochReport some_epoch(Index number) {
  EpochReport epoch;
  epoch.epoch = number;
  epoch.steps = 12;
  epoch.train_loss = 2.5;
  epoch.train_nll = std::numeric_limits<double>::quiet_NaN();
  epoch.gradient_norm = 1e-7;
  epoch.learning_rate = 0.1;
  epoch.evaluations = 20;
  epoch.seconds = 0.25;
  epoch.train_costs = {3, 0.125};
  return epoch;
}

const std::string names =
    "epoch,steps,loss,nll,validation,gradient_norm,learning_rate,evaluations,roll_backs,seconds,cost_1,cost_2\n";
std::string csv_line(int epoch) { return std::to_string(epoch) + ",12,2.5,,,1e-07,0.1,20,0,0.25,3,0.125\n"; }
std::string json_line(int epoch) {
  return "{\"epoch\": " + std::to_string(epoch) +
         ", \"steps\": 12, \"loss\": 2.5, \"nll\": null, \"validation\": null, \"gradient_norm\": 1e-07, "
         "\"learning_rate\": 0.1, \"evaluations\": 20, \"roll_backs\": 0, \"seconds\": 0.25, \"cost_1\": 3, "
         "\"cost_2\": "
         "0.125}\n";
}

/// The epochs from `first` to `last` of a run that goes on after `done`.
void write(const WriteLog& log, Index done, Index first, Index last) {
  auto run = log.start({.epochs = last - done, .done = done, .total = last});
  for (Index epoch = first; epoch <= last; ++epoch) run(some_epoch(epoch));
}

}  // namespace

TEST_CASE("A log has a line for each epoch, as values or as objects, at once", "[io][log]") {
  static_assert(RunCallback<WriteLog>);
  const Folder folder;
  auto csv = WriteLog{.path = folder.path / "run.csv"}.start({.epochs = 2, .total = 2});
  CHECK(folder.text("run.csv").empty());
  csv(some_epoch(1));
  CHECK(folder.text("run.csv") == names + csv_line(1));  // while the run goes on
  csv(some_epoch(2));
  CHECK(folder.text("run.csv") == names + csv_line(1) + csv_line(2));
  write({.path = folder.path / "run.jsonl"}, 0, 1, 2);
  CHECK(folder.text("run.jsonl") == json_line(1) + json_line(2));
  write({.path = folder.path / "run.json", .format = LogFormat::csv}, 0, 1, 1);
  CHECK(folder.text("run.json") == names + csv_line(1));
}

TEST_CASE("A log goes on where its run does, and has each epoch once", "[io][log]") {
  const Folder folder;
  for (const bool csv : {true, false}) {
    const std::string name = csv ? "run.csv" : "run.jsonl", head = csv ? names : "";
    const auto line = csv ? csv_line : json_line;
    const WriteLog log{.path = folder.path / name};
    write(log, 0, 1, 3);
    write(log, 2, 3, 4);  // the third is trained again
    CHECK(folder.text(name) == head + line(1) + line(2) + line(3) + line(4));
    (void)folder.write(name, head + line(1) + line(2).substr(0, 8));  // killed in the middle of a line
    write(log, 1, 2, 2);
    CHECK(folder.text(name) == head + line(1) + line(2));
    write(log, 0, 1, 1);  // a new run
    CHECK(folder.text(name) == head + line(1));
    write(log, 1, 2, 1);  // one that has nothing left to do
    CHECK(folder.text(name) == head + line(1));
  }
}

TEST_CASE("A log has the columns of its run alone", "[io][log][errors]") {
  const Folder folder;
  const WriteLog log{.path = folder.path / "run.csv"};
  EpochReport plain = some_epoch(1);
  plain.train_costs.clear();
  const std::string plain_names = names.substr(0, names.find(",cost_1")) + '\n';
  const std::string plain_line = "1,12,2.5,,,1e-07,0.1,20,0,0.25\n";
  log.start({.epochs = 1, .total = 1})(plain);
  CHECK(folder.text("run.csv") == plain_names + plain_line);
  write(log, 0, 1, 1);  // a new run, with two regularizers
  CHECK(folder.text("run.csv") == names + csv_line(1));
  const auto refuses = [&](const std::string& first, const EpochReport& epoch, const std::string& expected) {
    const std::string old = first + "1,12,2.5\n";
    (void)folder.write("run.csv", old);
    CHECK_THROWS_WITH(log.start({.epochs = 1, .done = 1, .total = 2})(epoch),
                      "WriteLog: " + log.path.string() + ": line 1 is \"" + first.substr(0, first.size() - 1) +
                          "\", expected \"" + expected.substr(0, expected.size() - 1) +
                          "\", the columns of this run; name another file, or delete it");
    CHECK(folder.text("run.csv") == old);
  };
  refuses(plain_names, some_epoch(2), names);
  refuses(names, plain, plain_names);
  refuses("epoch,steps,loss\n", plain, plain_names);
  CHECK_THROWS_AS(log.start({.epochs = 1, .done = 1, .total = 2}), FileError);  // before training
  (void)folder.write("run.csv", plain_names);
  write(log, 1, 2, 2);  // names without a line
  CHECK(folder.text("run.csv") == names + csv_line(2));
}

TEST_CASE("The log of an old run is there until the new one has an epoch", "[io][log]") {
  const Folder folder;
  const WriteLog log{.path = folder.write("run.csv", names + csv_line(1))};
  (void)log.start({.epochs = 1, .total = 1});  // as when another callback cannot start
  CHECK(folder.text("run.csv") == names + csv_line(1));
  CHECK(folder.files() == 1);
}

#if defined(__unix__) || defined(__APPLE__)
TEST_CASE("A log goes into a pipe", "[io][log]") {
  const Folder folder;
  const std::string path = (folder.path / "pipe.csv").string();
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
  REQUIRE(reader >= 0);
  write({.path = path}, 3, 4, 4);
  std::string text(1000, ' ');
  text.resize(std::size_t(std::max<ssize_t>(0, ::read(reader, text.data(), text.size()))));
  ::close(reader);
  CHECK(text == names + csv_line(4));
}
#endif

TEST_CASE("fit writes a log, also of a run that was interrupted", "[io][log][checkpoint]") {
  const Folder folder;
  const Batch<double> X{{1, 2, 3, 4}, {0, 1, 0, 1}};
  const test::MemoryKeeper keeper{.every = 2};
  struct Killed {};
  Index last = 5;
  const auto run = [&] {
    test::NoisyMean model;
    Rng rng(1);
    fit(
        model, X, {.epochs = 8, .batch = 3, .validation_fraction = 0, .solver_check_rows = 0}, rng, Adam{},
        WriteLog{.path = folder.path / "run.csv"},
        [&](const EpochReport& epoch) {
          if (epoch.epoch == last) throw Killed{};
        },
        keeper);
  };
  CHECK_THROWS_AS(run(), Killed);
  last = 0;
  run();
  std::istringstream lines(folder.text("run.csv"));
  std::string text;
  for (int number = 0; number <= 8; ++number) {
    REQUIRE(std::getline(lines, text));
    if (number > 0) CHECK(text.starts_with(std::to_string(number) + ",2,"));
  }
  CHECK_FALSE(std::getline(lines, text));
}

TEST_CASE("A file that is no log is refused, and stays as it is", "[io][log][errors]") {
  const Folder folder;
  const auto refuses = [&](const std::string& name, const std::string& text, const std::string& message) {
    const WriteLog log{.path = folder.write(name, text)};
    CHECK_THROWS_WITH(log.start({}), "WriteLog: " + log.path.string() + message);
    CHECK(folder.text(name) == text);
  };
  refuses("x.csv", "height,weight\n1,2\n", ": line 1 is none of a log in this format; name another file, or delete it");
  refuses("x.csv", names + csv_line(1) + "1.5,2\n",
          ": line 3 is none of a log in this format; name another file, or delete it");
  refuses("x.csv", csv_line(1), ": line 1 is none of a log in this format; name another file, or delete it");
  refuses("x.jsonl", names, ": line 1 is none of a log in this format; name another file, or delete it");
  refuses("x.csv", "text", ": it has no whole line of a log; name another file, or delete it");
  CHECK_THROWS_AS((WriteLog{.path = folder.path / "none" / "x.csv"}.start({})), FileError);
  CHECK_THROWS_AS(WriteLog{.path = folder.path}.start({}), FileError);
  CHECK_THROWS_WITH(WriteLog{}.check(), "WriteLog: path is empty, expected the name of a file");
}
