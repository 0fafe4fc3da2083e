/// \file
/// The command line of the example, by CLI11.
#include <examples/cnf/options.hpp>

#include <examples/cnf/saved_flow.hpp>

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace examples::cnf {

namespace {

// CLI11 prints the bounds of a check into the help; the defaults say more, and the bounds show when one is violated.
template <class Number>
CLI::Validator within(Number low, Number high) {
  return CLI::Range(low, high).description("");
}
CLI::Validator at_least(double low, bool itself, const std::string& expected) {
  return CLI::Validator(
      [low, itself, expected](const std::string& text) {
        double value = 0;
        const bool good = CLI::detail::lexical_cast(text, value) && (itself ? value >= low : value > low);
        return good ? std::string() : "got " + text + ", expected " + expected;
      },
      "");
}
CLI::Validator positive() { return at_least(0, false, "a positive number"); }
CLI::Validator not_negative() { return at_least(0, true, "zero or a positive number"); }
/// The character that separates cells, by itself or by its name.
char separator(const std::string& text) {
  for (const auto& [name, character] :
       {std::pair{"comma", ','}, std::pair{"semicolon", ';'}, std::pair{"tab", '\t'}, std::pair{"\\t", '\t'},
        std::pair{"blank", ' '}, std::pair{"blanks", ' '}, std::pair{"space", ' '}, std::pair{"pipe", '|'}})
    if (text == name) return character;
  if (text.size() == 1) return text.front();
  throw CLI::ValidationError("--separator",
                             "got \"" + text + "\", expected one character, or comma, semicolon, tab, blank");
}
/// Whether it says how a flow is made and trained, and on which rows.
bool is_of_training(const CLI::Option& option) {
  const std::string name = option.get_name(), group = option.get_group();
  return ((group == "Flow" || group == "Training") && name != "--load" && name != "--threads") || name == "--test" ||
         name == "--validation" || name == "--save";
}
CLI::Validator one_of(std::vector<std::string> names) { return CLI::IsMember(std::move(names)).description(""); }

}  // namespace

Options parse(int argc, char** argv) {
  Options options;
  CLI::App app{
      "Trains a continuous normalizing flow on a table of numbers, compares its held-out likelihood with a fitted\n"
      "Gaussian and a kernel density estimate, and draws what it has learned. Without options: Old Faithful's "
      "eruptions."};
  app.get_formatter()->column_width(34);

  app.add_option("--data", options.data, "table of numbers: text or numpy's .npy; Old Faithful if not given")
      ->type_name("FILE")
      ->group("Data");
  app.add_option("--columns", options.table.columns,
                 "columns to learn, by name or number from 1 ('#1': never a name), with commas; all if not given")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("A,B")
      ->group("Data");
  bool header = false, no_header = false;
  app.add_flag("--header", header, "the first line names the columns; found out if not given")->group("Data");
  app.add_flag("--no-header", no_header, "the first line is a row of data")->group("Data");
  app.add_option_function<std::string>(
         "--separator", [&options](const std::string& text) { options.table.separator = separator(text); },
         "between cells: comma, semicolon, tab, blank or another character; comma if not given")
      ->type_name("NAME")
      ->group("Data");
  app.add_option_function<std::string>(
         "--decimal",
         [&options](const std::string& text) {
           if (text != "." && text != "," && text != "point" && text != "comma")
             throw CLI::ValidationError("--decimal", "got \"" + text + "\", expected point or comma");
           options.table.decimal = text == "," || text == "comma" ? ',' : '.';
         },
         "decimal sign: point or comma; point if not given")
      ->type_name("NAME")
      ->group("Data");
  app.add_flag("--skip-missing", options.table.skip_missing,
               "leave out rows with a missing number: an empty cell, NA, nan, ?, …")
      ->group("Data");
  app.add_option("--test", options.test, "share of rows kept for the test")
      ->check(within(0.0, 0.9))
      ->type_name("SHARE")
      ->group("Data");
  app.add_option("--validation", options.validation, "share of rows that choose the best epoch")
      ->check(within(0.0, 0.9))
      ->type_name("SHARE")
      ->group("Data");

  app.add_option("--width", options.width, "units in each hidden layer")
      ->check(within(1, 4096))
      ->type_name("N")
      ->group("Flow");
  app.add_option("--depth", options.depth, "hidden layers")->check(within(0, 64))->type_name("N")->group("Flow");
  app.add_option("--solver", options.solver, "adaptive: dopri5, tsit5, bosh3; with --steps: rk4")
      ->check(one_of({"dopri5", "tsit5", "bosh3", "rk4"}))
      ->type_name("NAME")
      ->group("Flow");
  app.add_option("--tolerance", options.tolerance, "error per step of an adaptive solver, relative and absolute")
      ->check(positive())
      ->type_name("TOL")
      ->group("Flow");
  app.add_option("--steps", options.steps, "steps of a solver that is not adaptive")
      ->check(within(1, 100'000))
      ->type_name("N")
      ->group("Flow");
  app.add_option("--gradient", options.gradient, "backpropagation (exact) or adjoint (little memory)")
      ->check(one_of({"backpropagation", "adjoint"}))
      ->type_name("NAME")
      ->group("Flow");
  app.add_option("--trace", options.trace, "while training: exact, rademacher or gaussian (Hutchinson's estimate)")
      ->check(one_of({"exact", "rademacher", "gaussian"}))
      ->type_name("NAME")
      ->group("Flow");
  app.add_option("--probes", options.probes, "probes per sample of an estimated trace")
      ->check(within(1, 1000))
      ->type_name("N")
      ->group("Flow");
  app.add_option("--kinetic-energy", options.kinetic_energy, "weight of the kinetic energy, which keeps paths short")
      ->check(not_negative())
      ->type_name("W")
      ->group("Flow");

  app.add_option("--epochs", options.epochs, "passes over the training rows, at most")
      ->check(within(1, 1'000'000))
      ->type_name("N")
      ->group("Training");
  app.add_option("--batch", options.batch, "rows in a mini-batch")
      ->check(within(1, 1'000'000))
      ->type_name("N")
      ->group("Training");
  app.add_option("--learning-rate", options.learning_rate, "step of the Adam optimizer")
      ->check(positive())
      ->type_name("RATE")
      ->group("Training");
  app.add_option("--patience", options.patience, "epochs without a better validation before training stops; 0: never")
      ->check(not_negative())
      ->type_name("N")
      ->group("Training");
  app.add_option("--seed", options.seed, "of all random numbers: the same seed gives the same results")
      ->type_name("N")
      ->group("Training");
  app.add_option("--threads", options.threads, "threads; 0: all. Changes the time only, never a number")
      ->check(within(0, 1024))
      ->type_name("N")
      ->group("Training");
  app.add_option("--folds", options.folds,
                 "cross-validation with N folds in place of one split (takes N times as long)")
      ->check(within(2, 100))
      ->type_name("N")
      ->group("Training");
  app.add_option("--checkpoint", options.checkpoint,
                 "keep training in this file after each epoch: the same command goes on after an interruption")
      ->type_name("FILE")
      ->group("Training");

  app.add_option("--out", options.out, "folder for pictures and their gnuplot scripts, made if missing")
      ->type_name("DIR")
      ->group("Output");
  app.add_option("--samples", options.samples, "draw N samples from the trained flow into a table")
      ->check(within(1, 100'000'000))
      ->type_name("N")
      ->group("Output");
  app.add_option("--samples-file", options.samples_file,
                 "that table, .csv, .tsv or .npy; samples.csv in --out if not given")
      ->type_name("FILE")
      ->group("Output");

  app.add_option("--save", options.save, "keep the trained flow in this file")->type_name("FILE")->group("Output");
  app.add_option("--load", options.load,
                 "take a flow that --save has kept instead of training one: evaluates, samples and draws it; with "
                 "another --data, all of its rows are new to the flow")
      ->type_name("FILE")
      ->group("Flow");

  for (CLI::Option* const option : app.get_options())
    if (option->get_group() == "Flow" || option->get_group() == "Training" || option->get_group() == "Output" ||
        option->get_name() == "--test" || option->get_name() == "--validation")
      if (option->get_name() != "--folds" && !option->get_name().starts_with("--samples") &&
          option->get_name() != "--save" && option->get_name() != "--load" && option->get_name() != "--checkpoint")
        option->capture_default_str();
  try {
    app.parse(argc, argv);
    if (header && no_header) throw CLI::ValidationError("--header", "excludes --no-header: give one of them");
    if (options.samples > 0 && options.folds > 0)
      throw CLI::ValidationError("--samples", "excludes --folds: no one flow is trained there");
    if (options.samples == 0 && !options.samples_file.empty())
      throw CLI::ValidationError("--samples-file", "needs --samples N");
    if (!options.save.empty() && options.folds > 0)
      throw CLI::ValidationError("--save", "excludes --folds: no one flow is trained there");
    if (!options.checkpoint.empty() && options.folds > 0)
      throw CLI::ValidationError("--checkpoint", "excludes --folds: each fold is a run of its own");
    if (!options.load.empty())
      for (const CLI::Option* const option : app.get_options())
        if (option->count() > 0 && is_of_training(*option))
          throw CLI::ValidationError(option->get_name(), "excludes --load: the file tells it");
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  if (header) options.table.header = pathline::io::CsvHeader::present;
  if (no_header) options.table.header = pathline::io::CsvHeader::absent;
  if (!options.load.empty())
    take_saved_options(options, [&](const char* name) {
      if (std::string(name) == "header") return header || no_header;
      return app.count(std::string("--") + name) > 0;
    });
  return options;
}

}  // namespace examples::cnf
