#include <benchmarks/solvers/picture.hpp>

#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace pathline {

namespace {

// Each library has its line, each of its curves a colour; they stay apart for the colour-blind.
constexpr std::array colors{"#d95f02", "#2c6fa6", "#1b9e77", "#7b3294", "#7a7a7a", "#b8860b", "#c51b7d"};
constexpr const char* dash_of(Library library) {
  switch (library) {
    case Library::pathline:
      return "1 linewidth 2.5";
    case Library::odeint:
      return "2 linewidth 1.5";
    default:
      return "4 linewidth 1.5";
  }
}

void plot(std::ostream& script, const std::vector<Curve>& curves, int column) {
  script << "plot";
  for (std::size_t i = 0; i < curves.size(); ++i)
    script << (i ? ", " : " ") << "$curve" << i << " using 1:" << column << " with linespoints dashtype "
           << dash_of(curves[i].library) << " linecolor '" << colors[i % colors.size()] << "' pointtype " << 4 + i
           << " pointsize 0.9 title '" << curves[i].name << "'";
  script << '\n';
}

}  // namespace

void draw(const std::filesystem::path& png, const std::string& title, const std::vector<Curve>& curves) {
  std::ostringstream text;
  text << "# Draws " << png.filename().string() << " from this folder.\n";
  for (std::size_t i = 0; i < curves.size(); ++i) {
    text << "$curve" << i << " << EOD\n";
    for (const Work& work : curves[i].points)
      text << work.error << ' ' << 1e6 * work.seconds << ' ' << work.evaluations << '\n';
    text << "EOD\n";
  }
  text << "set encoding utf8\n"
          "set terminal pngcairo noenhanced size 1400,760 font 'DejaVu Sans,13' background '#ffffff' linewidth 1.2\n"
       << "set output '" << png.filename().string() << "'\n"
       << "set multiplot layout 1,2 title \"" << title
       << "\" font 'DejaVu Sans,17' margins 0.07,0.98,0.2,0.9 spacing 0.08\n"
       << "set border 3 linecolor '#555555'\nset tics nomirror out textcolor '#333333'\n"
          "set grid linecolor '#e3e3e3' linewidth 0.8 linetype 1\n"
          "set logscale xy\nset format xy '1e%T'\nset xrange [] reverse\n"
          "set xlabel 'relative error at the end' textcolor '#222222'\n"
          "set key at screen 0.5,0.005 bottom center maxrows 2 samplen 3 textcolor '#222222'\n"
          "set ylabel 'time / µs, fastest solve' textcolor '#222222'\n";
  plot(text, curves, 2);
  text << "unset key\nset ylabel 'evaluations of the right-hand side' textcolor '#222222'\n";
  plot(text, curves, 3);
  text << "unset multiplot\n";

  std::filesystem::path script = png;
  script.replace_extension(".gp");
  std::ofstream(script) << text.str();
  const std::filesystem::path folder = png.has_parent_path() ? png.parent_path() : ".";
  const std::string command = "cd '" + folder.string() + "' && gnuplot '" + script.filename().string() + "'";
  if (std::system(command.c_str()) != 0) throw std::runtime_error("gnuplot could not draw " + script.string());
}

}  // namespace pathline
