/// \file
/// Tables of any kind by the extension of their file.
#include <pathline/io/table.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>

#include <support/catch.hpp>
#include <support/folder.hpp>

#include <string>
#include <vector>

namespace {

using namespace pathline;
using io::read_table;
using io::write_table;

TEST_CASE("write_table, read_table: the extension says what a file is", "[io][table]") {
  const Folder folder;
  const Batch<double> X = Batch<double>::Random(2, 9) / 3;
  for (const std::string name : {"x.csv", "x.TXT", "x.dat", "x.data", "x.tsv", "x.tab", "x.npy", "x.NPY"}) {
    INFO(name);
    write_table(folder.path / name, X, {"a", "b\tc"});
    const io::Table<double> table = read_table<double>(folder.path / name);
    CHECK(table.data == X);
    const bool named = table.names == std::vector<std::string>{"a", "b\tc"};
    CHECK(named == (name != "x.npy" && name != "x.NPY"));
  }
  CHECK(folder.text("x.csv").starts_with("a,\"b\tc\"\n"));
  CHECK(folder.text("x.tsv").starts_with("a\t\"b\tc\"\n"));
  CHECK(folder.text("x.npy").starts_with("\x93NUMPY"));
  CHECK(read_table<double>(folder.write("semicolons.tsv", "a;b\n1;2\n"), {.separator = ';'}).data.size() == 2);
  write_table(folder.path / "nameless.npy", X);
  CHECK(read_table<float>(folder.path / "nameless.npy", {.columns = {"2"}}).data == X.row(1).cast<float>());
}

TEST_CASE("write_table: what cannot be written is refused", "[io][table][errors]") {
  const Folder folder;
  const Batch<double> X = Batch<double>::Ones(2, 3);
  for (const std::string name : {"x", "x.parquet", "x.npz", ".csv"}) {
    INFO(name);
    CHECK_THROWS_AS(write_table(folder.path / name, X), ArgumentError);
    CHECK_THROWS_WITH(read_table<double>(folder.path / name),
                      ContainsSubstring("expected one of .csv, .txt, .dat, .data, .tsv, .tab, .npy"));
  }
  CHECK_THROWS_AS(write_table(folder.path / "x.npy", X, {"a"}), ShapeError);
  CHECK_THROWS_AS(write_table(folder.path / "x.csv", X, {"a"}), ShapeError);
  CHECK(folder.files() == 0);
}

TEST_CASE("write_csv: another separator", "[io][csv]") {
  const Folder folder;
  const Batch<double> X = Batch<double>::Random(2, 4);
  for (const char separator : {',', ';', '\t', ' ', '|'}) {
    INFO(separator);
    const std::vector<std::string> names{"a|b", "c;d"};
    io::write_csv(folder.path / "x", names, X, separator);
    const auto table = io::read_csv_table<double>(folder.path / "x", {.separator = separator});
    CHECK(table.names == names);
    CHECK(table.data == X);
  }
  for (const char wrong : {'.', 'e', '"', '\n'})
    CHECK_THROWS_AS(io::write_csv(folder.path / "x", {"a", "b"}, X, wrong), ArgumentError);
}

}  // namespace
