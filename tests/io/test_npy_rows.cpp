// Rows of numpy's files, read where they are asked for.
#include <pathline/io/npy_rows.hpp>

#include <pathline/io/mapped_npy.hpp>
#include <pathline/io/npy.hpp>
#include <pathline/train/source/row_set.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/folder.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>

#if defined(__linux__)
#include <sys/resource.h>
#include <unistd.h>
#endif

using namespace pathline;
using io::NpyRows;

namespace {

Batch<float> some_numbers() {
  Batch<float> X(3, 10);
  for (Index k = 0; k < X.size(); ++k) X(k) = float(k) / 8;
  return X;
}

template <class Derived>
std::string npy_text(const Eigen::MatrixBase<Derived>& X) {
  std::ostringstream out;
  io::write_npy(out, X);
  return out.str();
}

std::string replaced(std::string text, const std::string& old, const std::string& by) {
  return text.replace(text.find(old), old.size(), by);
}

#if defined(__linux__)
/// So many more bytes of addresses for the program, where no sanitizer has taken them already.
class LittleMemory {
 public:
  explicit LittleMemory(std::uintmax_t bytes) {
    std::uintmax_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    ::getrlimit(RLIMIT_AS, &before_);
    if (!AllocationCounter::available || pages == 0) return;
    struct rlimit limit = before_;
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_cur, pages * std::uintmax_t(::getpagesize()) + bytes);
    ::setrlimit(RLIMIT_AS, &limit);
  }
  LittleMemory(const LittleMemory&) = delete;
  LittleMemory& operator=(const LittleMemory&) = delete;
  ~LittleMemory() { ::setrlimit(RLIMIT_AS, &before_); }

 private:
  struct rlimit before_ {};
};
#endif

}  // namespace

TEST_CASE("Rows of a mapped file are those of its samples, of any type", "[io][npy]") {
  static_assert(RowSet<io::MappedNpy<float>> && RowSet<io::MappedNpy<double>>);
  const Folder folder;
  const Batch<float> X = some_numbers();
  const auto path = folder.write("x.npy", npy_text(X));
  const io::MappedNpy<float> rows(path);
  const io::MappedNpy<double> converted(path);
  CHECK(all_of(rows) == X);
  CHECK(all_of(converted) == X.cast<double>());
  Batch<float> some(3, 4), flat(2, 4), wide = Batch<float>::Zero(5, 4);
  rows.read(6, some);
  CHECK(some == X.rightCols(4));
  rows.read(1, wide.middleRows(1, 3));
  CHECK(wide.middleRows(1, 3) == X.middleCols(1, 4));
  CHECK((wide.row(0).isZero() && wide.row(4).isZero()));
  CHECK_THROWS_AS(rows.read(7, some), ArgumentError);
  CHECK_THROWS_AS(rows.read(-1, some), ArgumentError);
  CHECK_THROWS_AS(rows.read(0, flat), ShapeError);
}

TEST_CASE("Rows of a numpy file are read where they are asked for", "[io][npy]") {
  static_assert(RowSet<NpyRows<float>> && RowSet<NpyRows<double>>);
  const Folder folder;
  const Batch<float> X = some_numbers();
  const NpyRows<float> rows(folder.write("x.npy", npy_text(X)));
  CHECK(rows.dim() == 3);
  CHECK(rows.size() == 10);
  CHECK(all_of(rows) == X);
  Batch<float> some(3, 4), wide = Batch<float>::Zero(5, 4);
  rows.read(6, some);
  CHECK(some == X.rightCols(4));
  rows.read(2, wide.middleRows(1, 3));  // columns apart
  CHECK(wide.middleRows(1, 3) == X.middleCols(2, 4));
  CHECK(wide.row(0).isZero());
  CHECK(wide.row(4).isZero());

  NpyRows<double> doubles(folder.write("y.npy", npy_text(X.cast<double>())));
  const NpyRows<double> moved(std::move(doubles));
  CHECK(all_of(moved) == X.cast<double>());
  const std::string one = replaced(npy_text(X.topRows(1)), "(10, 1), ", "(10,),   ");  // of shape (10)
  CHECK(all_of(NpyRows<float>(folder.write("one.npy", one))) == X.topRows(1));
}

TEST_CASE("Rows of a numpy file that memory does not hold are read", "[io][npy]") {
  const Folder folder;
  std::string head = npy_text(some_numbers());
  head = replaced(head, "(10, 3), }         ", "(100000000, 3), }  ").substr(0, 128);
  const std::filesystem::path path = folder.write("x.npy", head);
  std::filesystem::resize_file(path, 128 + std::uintmax_t{1'200'000'000});  // sparse
#if defined(__linux__)
  const LittleMemory limit(300'000'000);
#endif
  Batch<float> X(3, 2);
  CHECK_NOTHROW(NpyRows<float>(path).read(99'999'998, X));
  CHECK(X.isZero());
}

TEST_CASE("A numpy file whose rows do not lie there as they are wanted is refused", "[io][npy][errors]") {
  const Folder folder;
  const std::string floats = npy_text(some_numbers()), doubles = npy_text(some_numbers().cast<double>());
  const auto refuses = [&](const std::string& text, const std::string& message) {
    const std::filesystem::path path = folder.write("x.npy", text);
    CHECK_THROWS_WITH(NpyRows<float>(path), "NpyRows: " + path.string() + message);
  };
  refuses(doubles, ", byte 0: type is F64, expected F32; take NpyRows<double>, or in Python save x.astype('f4')");
  refuses(replaced(floats, "<f4", "<i4"), ", byte 0: type is I32, expected F32; in Python save x.astype('f4')");
  refuses(replaced(floats, "<f4", ">f4"),
          ", byte 0: byte order is big-endian, expected that of this machine; in Python, save x.astype('=f4')");
  refuses(replaced(floats, "False", "True "),
          ", byte 0: fortran_order is True, expected False: a row's numbers lie together; in Python, save "
          "numpy.ascontiguousarray(x)");
  refuses(floats.substr(0, floats.size() - 1),
          ", byte 128: size of the numbers is 119 bytes, expected 120 for shape [10, 3] and type F32; the file is cut "
          "off, or has more than one array");
  refuses(replaced(floats, "(10, 3)", "(0, 3) ").substr(0, 128),
          " has shape [0, 3], expected at least one row of numbers");
  refuses("1,2\n", ", byte 0: start of the file is \"1,2?\", expected \"\\x93NUMPY\", as numpy writes");
  const std::string version_2("\x93NUMPY\x02\x00\x00\x00\x01\x00", 12);  // with a header of 65,536 bytes
  refuses(version_2,
          ", byte 8: length of the header is 65536 bytes, expected at most as many as follow; the file is cut "
          "off");
  refuses(version_2 + std::string(70'000, ' '),
          ", byte 8: length of the header is 65536 bytes, expected at most 65524, as of an array of numbers");
  CHECK_THROWS_AS(NpyRows<float>(folder.write("x.npy", doubles)), FormatError);
  CHECK_THROWS_AS(NpyRows<float>(folder.path), FileError);
  CHECK_THROWS_AS(NpyRows<float>(folder.path / "missing.npy"), FileError);
  CHECK_THROWS_WITH(NpyRows<double>(folder.write("x.npy", floats)), ContainsSubstring("take NpyRows<float>"));
}

TEST_CASE("Rows that are not there are refused, also when the file was shortened", "[io][npy][errors]") {
  const Folder folder;
  const std::filesystem::path path = folder.write("x.npy", npy_text(some_numbers()));
  const NpyRows<float> rows(path);
  Batch<float> X(3, 4), other(2, 4);
  const std::string name = "NpyRows: " + path.string();
  CHECK_THROWS_WITH(rows.read(7, X), name + ": rows is the 4 from 7 on, expected some of the 10 from 0 on");
  CHECK_THROWS_WITH(rows.read(-1, X), name + ": rows is the 4 from -1 on, expected some of the 10 from 0 on");
  CHECK_THROWS_WITH(rows.read(0, other), "NpyRows::read: X has 2 rows, expected 3");
  std::filesystem::resize_file(path, 200);
  CHECK_NOTHROW(rows.read(0, X));
  CHECK_THROWS_WITH(rows.read(6, X), name + ": it ends before byte 200; was it shortened meanwhile?");
}
