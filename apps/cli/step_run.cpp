// cli/step_run.cpp -- working on a step of the course, and recording what came out.
#include "step_run.h"

#include <cstdlib>

#include "compile.h"
#include "files.h"
#include "learner_folder.h"
#include "process.h"
#include "progress.h"

namespace cli {
namespace {

constexpr double kSeconds = 300;  // no lesson takes a tenth of it

Outcome run_lesson(const Step& lesson, const std::string& folder) {
  Outcome out;
  const std::string file = learner_file(lesson, folder).value_or(lesson.file);
  const Compiled compiled = compile(file);
  out.compiler = compiled.text;
  out.text = report(compiled);
  if (!compiled.ok) {
    out.summary = compiled.interrupted ? "interrupted" : "does not compile";
    return out;
  }
  Command command;
  command.arguments = {compiled.program};
  command.folder = folder;
  if (!folder.empty() && !std::getenv("COTANGENT_RESULTS"))
    command.environment.emplace_back("COTANGENT_RESULTS", folder + "/results");
  command.output = Command::Output::capture;
  command.seconds = kSeconds;
  const Finished ran = run_process(command);
  out.text += ran.output;
  out.ok = ran.ok();
  out.summary = out.ok ? "ran" : ran.status == 1 ? "ran, but not all of its numbers hold" : what_happened(ran);
  // Exit status 1 is the lesson's own word on numbers that do not hold, which it has explained.
  if (!out.ok && ran.status != 1) out.text += "\nThe lesson was " + what_happened(ran) + ".\n";
  change_progress([&](Progress& p) {
    ++p.lessons[lesson.id()].runs;
    if (out.ok) p.lessons[lesson.id()].finished = true;
    p.place = lesson.id();
  });
  return out;
}

}  // namespace

Checked check_and_record(const Step& exercise, const std::string& file, const std::string& folder, std::optional<bool> as_given) {
  Checked checked;
  checked.fresh = as_given.value_or(read_file(file) == exercise.fresh());
  checked.result = check_exercise(exercise, file, folder);
  if (checked.result.ran()) {
    change_progress([&](Progress& p) {
      ExerciseProgress& e = p.exercises[exercise.id()];
      checked.passed_before = e.passed;
      if (!checked.fresh) ++e.attempts;
      if (checked.result.end == CheckResult::End::passed) e.passed = true;
      p.place = exercise.id();
    });
  }
  return checked;
}

Outcome work_on(const Step& step, const std::string& folder) {
  if (!step.exercise()) return run_lesson(step, folder);
  Outcome out;
  const auto file = learner_file(step, folder);
  if (!file) {
    out.summary = "no file";
    out.text =
        folder.empty()
            ? "Exercises and workshops are done in a folder of your own. Make one, for example:\n  ./cotangent start ~/cotangent-course\n"
            : "Your folder has no " + learner_name(step) + ". To get it back:\n  ./cotangent start " + shown(folder) + "\n";
    return out;
  }
  const Checked checked = check_and_record(step, *file, folder);
  out.ok = checked.result.end == CheckResult::End::passed;
  out.text = checked.result.text;
  if (checked.fresh && !out.ok)
    out.text += "\nThis is the file as it was given: fill its gaps, which are marked TODO, and save.\n";
  out.compiler = checked.result.compiler;
  out.summary = checked.result.summary();
  return out;
}

std::string achieved(const Step& step) {
  return (step.exercise() ? "Passed: " : "Done: ") + step.title() + ".\n" +
         (step.source.concepts.empty()
              ? ""
              : "You have " + std::string(step.exercise() ? "practised" : "seen") + ": " + step.source.concepts + ".\n");
}

}  // namespace cli
