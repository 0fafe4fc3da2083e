/// \file
/// Variational autoencoders of 8 × 8 handwritten digits (examples/data/SOURCE.md), with a Gaussian posterior and with
/// one that a flow makes of it: encoder and decoder are the layers of an `Mlp`, the flow's field reads what the encoder
/// says of the image as its context. Both have the same encoder and decoder, the same start and the same images.
///
/// Prints the evidence's lower bound (ELBO) of held-out images by both, and their difference over several seeds with
/// its standard error. Writes vae_digits.png, images beside samples of both, and vae_posteriors.png, q beside the exact
/// posterior of the images that a Gaussian fits worst. Takes a minute on one core.
#include <examples/command_line/command_line.hpp>
#include <examples/common/plot.hpp>
#include <examples/vae_digits/vae.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/io/csv.hpp>
#include <pathline/train/metric/estimate.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace examples::vae;
using pathline::Estimate, pathline::mean_estimate;
namespace plot = examples::plot;

struct Options {
  std::filesystem::path data = std::filesystem::path(PATHLINE_EXAMPLE_DATA) / "digits.csv", out = ".";
  Settings vae{};
  Index seeds = 5, draws = 20, test = 297;
};

Options parse(int argc, char** argv) {
  Options options;
  examples::CommandLine line("Autoencoders of digits, with a Gaussian posterior and with a flow.");
  line.add("--epochs", options.vae.epochs, "passes over the images").within(1, 100'000);
  line.add("--seeds", options.seeds, "how many times, from different starts").within(2, 1000);
  line.add("--draws", options.draws, "samples of q for each held-out image").within(1, 100'000);
  line.add("--learning-rate", options.vae.learning_rate, "of Adam, in the beginning").positive();
  line.add("--data", options.data, "table of digits").type("FILE");
  line.add("--out", options.out, "folder for the pictures").type("DIR");
  line.parse(argc, argv);
  return options;
}

plot::ImageSheet sheet_of(const Batch<float>& images, const std::string& label) {
  plot::ImageSheet sheet{{}, label};
  for (Index j = 0; j < images.cols(); ++j)
    sheet.images.emplace_back(images.col(j).cast<double>().reshaped(8, 8).transpose());
  return sheet;
}

/// The exact posterior of an image and q, each on a grid about q's centre.
std::pair<plot::Panel, plot::Panel> posteriors(const Vae& vae, const Batch<float>& image, double half_width) {
  constexpr Index cells = 100;
  Batch<float> Z(2, cells * cells);
  for (Index j = 0; j < Z.cols(); ++j)
    Z.col(j) << float((2 * (double(j % cells) + 0.5) / cells - 1) * half_width),
        float((2 * (double(j / cells) + 0.5) / cells - 1) * half_width);
  Z.colwise() += vae.centre(image).col(0);
  const auto panel = [&](Row<double> log_p) {
    log_p.array() -= log_p.maxCoeff();
    Eigen::RowVectorXd density = log_p.array().exp();
    density /= density.sum();
    return plot::Panel{.density = Eigen::Map<const Eigen::MatrixXd>(density.data(), cells, cells).transpose()};
  };
  return {panel(vae.log_joint(image, Z)), panel(vae.log_posterior(image, Z))};
}

void draw(const Options& options, const Vae& gaussian, const Vae& flow, const Batch<float>& test,
          const Row<double>& gap) {
  constexpr Index shown = 50;
  Batch<float> Z(options.vae.latent, shown);
  pathline::fill<pathline::Gaussian>(pathline::Draw{options.vae.seed, 1}, 0, Z);
  plot::image_sheets(options.out / "vae_digits.png",
                     {sheet_of(test.leftCols(shown), "images"), sheet_of(gaussian.decode(Z), "Gaussian posterior"),
                      sheet_of(flow.decode(Z), "flow")},
                     {.style = {.title = "Binary digits, and pixels' probabilities at samples of the prior",
                                .width = 1500,
                                .height = 330},
                      .ink = {0, 1},
                      .row_labels = std::vector<std::string>(5, " ")});
  // The images whose posterior is least like a Gaussian.
  std::vector<Index> order(std::size_t(test.cols()));
  for (std::size_t j = 0; j < order.size(); ++j) order[j] = Index(j);
  std::sort(order.begin(), order.end(), [&](Index a, Index b) { return gap(a) > gap(b); });
  constexpr double half_width = 3;
  plot::SheetOptions sheet;
  sheet.style.title = "Posterior of the latent numbers, about mu, of the three images that a Gaussian fits worst";
  sheet.style.width = sheet.style.height = 320;
  sheet.x = sheet.y = {-half_width, half_width};
  sheet.columns = {"Gaussian: exact", "Gaussian: q", "flow: exact", "flow: q"};
  sheet.rows = {"image 1", "image 2", "image 3"};
  sheet.x_label = "z_1 - mu_1";
  sheet.y_label = "z_2 - mu_2";
  std::vector<std::vector<plot::Panel>> rows;
  for (std::size_t k = 0; k < 3; ++k) {
    const Batch<float> image = test.col(order[k]);
    auto [exact_of_gaussian, by_gaussian] = posteriors(gaussian, image, half_width);
    auto [exact_of_flow, by_flow] = posteriors(flow, image, half_width);
    rows.push_back({exact_of_gaussian, by_gaussian, exact_of_flow, by_flow});
  }
  plot::sheet(options.out / "vae_posteriors.png", rows, sheet);
}

}  // namespace

int main(int argc, char** argv) try {
  const Options options = parse(argc, argv);
  const Batch<float> table = pathline::io::read_csv<float>(options.data);
  if (table.cols() <= options.test)
    throw pathline::ArgumentError("vae_digits: images", table.cols(),
                                  "more than the " + std::to_string(options.test) + " that are held out");
  const Batch<float> intensities = table.topRows(64) / 16, train = intensities.leftCols(table.cols() - options.test);
  const Batch<float> test = binary(intensities.rightCols(options.test), pathline::Draw{99, 0});
  std::filesystem::create_directories(options.out);
  if (!plot::gnuplot_available()) std::cout << plot::gnuplot_advice() << '\n';
  std::printf("%td images to train, %td held out; %td latent numbers\n", train.cols(), test.cols(), options.vae.latent);
  Row<double> differences(options.seeds);
  for (Index i = 0; i < options.seeds; ++i) {
    std::vector<Vae> both;
    std::vector<Row<double>> elbo, log_p;
    for (const bool flow : {false, true}) {
      Settings settings = options.vae;
      settings.flow = flow;
      settings.seed = std::uint64_t(i + 1);
      both.emplace_back(settings);
      both.back().train(train);
      pathline::Rng rng(std::uint64_t(1000 + i));
      elbo.push_back(both.back().elbo(test, options.draws, rng));
      log_p.push_back(both.back().log_likelihood(test, 2 * options.draws, rng));
    }
    const Estimate difference = mean_estimate(elbo[1] - elbo[0]);
    differences(i) = difference.value;
    std::printf(
        "seed %td: ELBO %.3f with a Gaussian, %.3f with a flow, difference %.3f +- %.3f nats an image; log p by %td "
        "weighted samples %.3f, %.3f\n",
        i + 1, elbo[0].mean(), elbo[1].mean(), difference.value, difference.standard_error, 2 * options.draws,
        log_p[0].mean(), log_p[1].mean());
    std::fflush(stdout);
    if (i == 0) draw(options, both[0], both[1], test, log_p[0] - elbo[0]);
  }
  const Estimate mean = mean_estimate(differences);
  std::printf("the flow's ELBO is higher by %.3f +- %.3f nats an image (mean and standard error over %td seeds)\n",
              mean.value, mean.standard_error, options.seeds);
  std::cout << "pictures: " << options.out.string() << '\n';
} catch (const std::exception& error) {
  std::cerr << "vae_digits: " << error.what() << '\n';
  return 1;
}
