/// \file
/// The tables of the row `tabular` of the papers, as they are written for other libraries.
#include <examples/papers/tabular_sets.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/io/npy.hpp>

#include <support/catch.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

namespace {

namespace fs = std::filesystem;
namespace papers = examples::papers;
using examples::Table;
using examples::Values;

/// A folder that is gone with the test; not there at first.
struct Folder {
  fs::path path = fs::temp_directory_path() / "pathline tabular set";
  Folder() { fs::remove_all(path); }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] fs::path set() const { return path / "with" / "folders above"; }
  [[nodiscard]] Table read(const char* file) const { return pathline::io::read_npy<double>(set() / file); }
};

}  // namespace

TEST_CASE("A set is exported with a row per sample, and the true density where it is known", "[examples]") {
  papers::TabularSet set("small");
  set.train = Table{{1, 2, 3}, {4, 5, 6}};
  set.validation = Table{{7}, {8}};
  set.test = Table{{9, 10}, {11, 12}};
  set.log_det = Values{{0.5, -0.25}};
  const Folder folder;
  papers::export_set(folder.set(), set);
  CHECK(folder.read("train.npy") == set.train);
  CHECK(folder.read("validation.npy") == set.validation);
  CHECK(folder.read("test.npy") == set.test);
  CHECK(folder.read("log_det.npy") == set.log_det);
  CHECK_FALSE(fs::exists(folder.set() / "log_prob.npy"));
  std::ostringstream bytes;
  bytes << std::ifstream(folder.set() / "train.npy", std::ios::binary).rdbuf();
  CHECK_THAT(bytes.str(), ContainsSubstring("'shape': (3, 2)"));  // as numpy reads it

  set.log_prob = Values{{-1, -2}};
  papers::export_set(folder.set(), set);
  CHECK(folder.read("log_prob.npy") == *set.log_prob);
}

TEST_CASE("The set that ships is whitened by its training rows and keeps its units in log_det", "[examples]") {
  const papers::TabularSet set = papers::tabular_set("diamonds", 1);
  REQUIRE(set.dim() == 6);
  CHECK(set.test.cols() == 2000);
  CHECK(set.validation.cols() == 500);
  CHECK(set.log_det.cols() == 2000);
  CHECK_FALSE(set.log_prob);
  const double n = double(set.train.cols());
  CHECK(set.train.rowwise().mean().cwiseAbs().maxCoeff() < 1e-9);
  const Table covariance = set.train * set.train.transpose() / n;
  CHECK((covariance - Table::Identity(6, 6)).cwiseAbs().maxCoeff() < 2e-3);  // divided by n or by n - 1
  // The rounding noise is drawn by the seed, the rows are not: the same stones are tested.
  const papers::TabularSet other = papers::tabular_set("diamonds", 2);
  CHECK(other.test != set.test);
  CHECK((other.log_det - set.log_det).cwiseAbs().maxCoeff() < 1);
  CHECK_THROWS_WITH(papers::tabular_set("digits", 1), ContainsSubstring("diamonds, blocks-21 or blocks-43"));
}
