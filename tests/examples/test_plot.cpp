/// \file
/// Pictures: the script always, the picture where gnuplot is there, a typed error where neither can be written.
#include <examples/common/plot.hpp>

#include <examples/common/number_text.hpp>

#include <pathline/core/errors.hpp>

#include <support/catch.hpp>

#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

namespace {

namespace fs = std::filesystem;
namespace plot = examples::plot;

/// An empty folder that is gone with the test.
struct Folder {
  fs::path path;
  explicit Folder(const std::string& name) : path(fs::temp_directory_path() / ("pathline it's " + name)) {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
};

std::string content(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

/// The script says what it should, and the picture is one, of the size that was asked for.
void check_picture(const fs::path& png, unsigned width, unsigned height) {
  fs::path script = png;
  CHECK(fs::exists(script.replace_extension(".gp")));
  if (!plot::gnuplot_available()) return;
  const std::string bytes = content(png);
  REQUIRE(bytes.size() > 24);
  CHECK(bytes.substr(0, 8) == "\x89PNG\r\n\x1a\n");
  const auto number_at = [&bytes](std::size_t place) {
    unsigned value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = 256 * value + static_cast<unsigned char>(bytes[place + i]);
    return value;
  };
  CHECK(number_at(16) == width);  // the header chunk: width, then height, big-endian
  CHECK(number_at(20) == height);
}

}  // namespace

TEST_CASE("Every picture can be drawn, with any name and in any folder", "[examples][plot]") {
  const Folder folder("pictures");
  // Quotes, gnuplot's own markup and line breaks are text in a name.
  const std::string name = "it's_a \"name\"\n@{x}";
  const plot::Style style{.title = name, .width = 800, .height = 600};
  const Eigen::MatrixXd few = Eigen::MatrixXd{{0, 1, 2, 4}, {1, 0, 3, 2}, {1, 5, 2, 2}};
  const plot::Points plane{few.topRows(2), name}, line{few.topRows(1), name}, space{few, name};

  SECTION("heat map of a density") {
    plot::density_map(folder.path / "a.png", Eigen::MatrixXd{{0, 1}, {2, 1}, {0, 1}}, {plane, plane},
                      {.style = style, .x_label = name, .y_label = name});
    check_picture(folder.path / "a.png", 800, 600);
  }
  SECTION("curve over a histogram") {
    plot::density_curve(folder.path / "a.png", {plane}, line, {.style = style, .x_label = name});
    check_picture(folder.path / "a.png", 800, 600);
  }
  SECTION("paths in the plane and on a line") {
    const Eigen::MatrixXd moved = few.array() / 2;
    plot::trajectories(folder.path / "a.png", {few, moved}, {0, 1}, {.style = style, .names = {name, name}});
    check_picture(folder.path / "a.png", 800, 600);
    plot::trajectories(folder.path / "b.png", {few.topRows(1), moved.topRows(1)}, {0, 1},
                       {.style = style, .names = {name}});
    check_picture(folder.path / "b.png", 800, 600);
  }
  SECTION("samples beside data") {
    plot::side_by_side(folder.path / "a.png", plane, plane,
                       {.style = style, .names = {name, name}, .equal_units = true});
    check_picture(folder.path / "a.png", 800, 600);
    plot::side_by_side(folder.path / "b.png", line, line, {.style = style, .names = {name}});
    check_picture(folder.path / "b.png", 800, 600);
    plot::pairs(folder.path / "c.png", space, space, {.style = style, .names = {name, name, name}});
    check_picture(folder.path / "c.png", 800, 600);
  }
  SECTION("sheet, with panels of every kind and rows of unequal length") {
    const plot::SheetOptions options{.style = {.title = name, .width = 200, .height = 150},
                                     .x = {0, 4},
                                     .y = {0, 4},
                                     .columns = {name, name},
                                     .rows = {name}};
    const plot::Panel density{.density = Eigen::MatrixXd{{0, 1}, {2, 1}, {0, 1}}};
    const plot::Panel paths{.states = {few.topRows(2), few.topRows(2) / 2}};
    plot::sheet(folder.path / "a.png", {{density, paths, plot::Panel{}}, {{.points = few.topRows(2), .learned = true}}},
                options);
    check_picture(folder.path / "a.png", 56 + 3 * 210, 96 + 2 * 160);
  }
  SECTION("sheet with axes, a legend and the meaning of colours") {
    const plot::SheetOptions options{.style = {.title = name, .width = 200, .height = 150},
                                     .x = {0, 4},
                                     .y = {0, 4},
                                     .x_label = name,
                                     .y_label = name,
                                     .first_color = name,
                                     .last_color = name};
    const plot::Panel paths{.states = {few.topRows(2), few.topRows(2) / 2}};
    plot::sheet(folder.path / "a.png",
                {{{.outline = plane, .curves = {plane, plane}, .discs = {plane, plane}, .note = name}, paths}},
                options);
    check_picture(folder.path / "a.png", 12 + 92 + 2 * 224, 40 + 12 + 174 + 3 * 52);
    CHECK_THAT(content(folder.path / "a.gp"), ContainsSubstring("keyentry"));
  }
  SECTION("sheet with discs and outlines as they are asked for") {
    const plot::Panel panel{.outline = plane, .discs = {plane, plane}};
    plot::SheetOptions options{.style = {.title = name, .width = 200, .height = 150}, .x = {0, 4}, .y = {0, 4}};
    const auto script = [&] {
      plot::sheet(folder.path / "a.png", {{panel}}, options);
      return content(folder.path / "a.gp");
    };
    const std::string grey = "linewidth 1.2 dashtype '-' linecolor '#8a8a8a'",
                      black = "linewidth 2.5 dashtype '-' linecolor '#000000'", first = " linecolor '#e6a817'",
                      second = "pointsize 1.3 linecolor";
    CHECK_THAT(script(), ContainsSubstring("pointsize 2.2" + first) && ContainsSubstring(second) &&
                             ContainsSubstring(grey) && !ContainsSubstring(black));
    options.disc_size = 0.9;
    options.black_outlines = true;
    CHECK_THAT(script(), ContainsSubstring("pointsize 0.9" + first) && ContainsSubstring(second) &&
                             ContainsSubstring(black) && !ContainsSubstring(grey));
    check_picture(folder.path / "a.png", 12 + 210, 40 + 12 + 160 + 52);
  }
  SECTION("sheets of images, the last row not full") {
    const plot::ImageSheet sheet{{few, few, few}, name};
    plot::image_sheets(folder.path / "a.png", {sheet, sheet},
                       {.style = style, .columns = 2, .row_labels = {name, name}});
    check_picture(folder.path / "a.png", 800, 600);
    CHECK_THROWS_AS(plot::image_sheets(folder.path / "b.png", {{{few, few.leftCols(2)}, name}}, {}),
                    pathline::ShapeError);
    CHECK_THROWS_AS(plot::image_sheets(folder.path / "b.png", {}, {}), pathline::ArgumentError);
  }
  SECTION("graphs, by lines and by points") {
    plot::graph(folder.path / "a.png", {plane, {Eigen::MatrixXd(2, 0), name}},
                {.style = style, .x_label = name, .y_label = name});
    check_picture(folder.path / "a.png", 800, 600);
    plot::graph(folder.path / "b.png", {plane}, {.style = style, .points = true});
    plot::graph(
        folder.path / "d.png", {plane},
        {.style = style, .dots = {plane}, .outline = plane, .log_x = true, .shaded = {1, 2}, .shaded_label = name});
    check_picture(folder.path / "d.png", 800, 600);
    check_picture(folder.path / "b.png", 800, 600);
    CHECK_THROWS_AS(plot::graph(folder.path / "c.png", {}, {}), pathline::ArgumentError);
  }
  SECTION("graph whose axes begin at 0, where nothing is below") {
    const plot::Points above{Eigen::MatrixXd{{2, 4}, {3, 5}}, name}, below{Eigen::MatrixXd{{-2, 4}, {3, 5}}, name};
    const auto script = [&](const plot::Points& some, bool from_zero) {
      plot::graph(folder.path / "a.png", {some}, {.style = style, .from_zero = from_zero});
      return content(folder.path / "a.gp");
    };
    CHECK_THAT(script(above, false),
               ContainsSubstring("set xrange [2:4]") && ContainsSubstring("set yrange [2.9:5.1]"));
    CHECK_THAT(script(above, true), ContainsSubstring("set xrange [0:4]") && ContainsSubstring("set yrange [0:5.1]"));
    check_picture(folder.path / "a.png", 800, 600);
    CHECK_THAT(script(below, true), ContainsSubstring("set xrange [-2:4]") && ContainsSubstring("set yrange [0:5.1]"));
  }
  SECTION("graphs on logarithmic axes, beside each other") {
    plot::log_graphs(folder.path / "a.png",
                     {{name, name, name, {plane, {Eigen::MatrixXd(2, 0), name}}}, {"", "", "", {}, plane}}, style);
    check_picture(folder.path / "a.png", 800, 600);
  }
  SECTION("losses, also when a value is missing or nothing is known yet") {
    Eigen::MatrixXd curve = few.topRows(2);
    curve(1, 2) = std::numeric_limits<double>::quiet_NaN();
    plot::losses(folder.path / "a.png", {{curve, name}},
                 {.style = style, .levels = {{2, name}, {std::numeric_limits<double>::infinity(), ""}}});
    check_picture(folder.path / "a.png", 800, 600);
  }
}

TEST_CASE("A folder that is not there is a FileError", "[examples][plot]") {
  const fs::path missing = fs::temp_directory_path() / "pathline-no-such-folder" / "a.png";
  CHECK_THROWS_AS(plot::losses(missing, {}, {.levels = {{1, "level"}}}), pathline::FileError);
}

TEST_CASE("range_of widens by a share of the length, and a single value by one unit", "[examples][plot]") {
  const plot::Range wide = plot::range_of(Eigen::RowVector3d(1, 5, 3), 0.25);
  CHECK(wide.low == 0);
  CHECK(wide.high == 6);
  const plot::Range point = plot::range_of(Eigen::RowVector2d(2, 2), 0.5);
  CHECK(point.low == 1.5);
  CHECK(point.high == 2.5);
}

TEST_CASE("Numbers of a note have the decimals that were asked for", "[examples]") {
  CHECK(examples::number_text(2.5219) == "2.522");
  CHECK(examples::number_text(-0.26, 1) == "-0.3");
  CHECK(examples::number_text(1e30).size() == 31 + 4);
}
