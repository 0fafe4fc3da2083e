#include <examples/papers/setting.hpp>

#include <examples/common/number_text.hpp>
#include <examples/common/plot.hpp>

#include <pathline/core/errors.hpp>

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <fstream>
#include <iostream>
#include <numeric>
#include <system_error>

namespace examples::papers {

void Setting::add_to(CommandLine& line, bool it_draws) {
  line.add("--seeds", seeds, "of data, parameters and mini-batches").within(1, 100);
  line.add_flag("--full", full, "longer than minutes");
  line.add_flag("--brief", brief, "a few iterations of one seed, to see that it runs");
  draws = it_draws;
  if (draws) line.add("--out", out, "folder for the picture").type("DIR");
}

void Setting::parse(CommandLine& line, int argc, char** argv) {
  line.parse(argc, argv);
  if (brief && full) throw pathline::ArgumentError("--brief", "with --full", "one of the two");
  if (!draws) return;
  std::error_code error;
  std::filesystem::create_directories(out, error);
  const std::filesystem::path probe = out / ".papers-can-write";
  if (!std::ofstream(probe))
    throw pathline::FileError("--out " + out.string() +
                              ": no picture can be written there; give a folder that is writable or can be made");
  std::filesystem::remove(probe, error);
}

std::vector<std::uint64_t> Setting::all_seeds() const {
  std::vector<std::uint64_t> all(std::size_t(brief ? 1 : seeds));
  std::iota(all.begin(), all.end(), std::uint64_t(1));
  return all;
}

void Setting::picture(const std::string& name,
                      const std::function<void(const std::filesystem::path& png)>& draw) const {
  std::filesystem::path file = out / name;
  draw(file);
  const bool drawn = plot::gnuplot_available();
  std::cout << (drawn ? "picture: " : "script of the picture: ")
            << (drawn ? file : file.replace_extension(".gp")).string() << '\n';
  if (!drawn) std::cout << plot::gnuplot_advice() << '\n';
}

std::string spread(const std::vector<double>& values, int decimals) {
  if (values.empty()) return "none";
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / double(values.size());
  std::string text = number_text(mean, decimals);
  if (*least < *most) text += " (" + number_text(*least, decimals) + " to " + number_text(*most, decimals) + ")";
  return text;
}

double median(std::vector<double> values) {
  if (values.empty()) throw pathline::ArgumentError("median: values", "none", "one or more");
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : 0.5 * (values[half - 1] + values[half]);
}

double processor_seconds() { return double(std::clock()) / CLOCKS_PER_SEC; }

}  // namespace examples::papers
