// help: what the commands are, and how one is called.
#include "tools/help.h"

#include "tools/arguments.h"
#include "tools/commands/list.h"
#include "tools/session.h"

namespace cv::tools::commands {

namespace {

void run(Session& session, const Arguments& arguments) {
  if (arguments.operands().empty()) {
    session.output().text(help_overview(all_commands()));
  } else {
    session.output().text(help_text(command_named(arguments.operand(0))));
  }
}

}  // namespace

Command help() {
  return {
      .name = "help",
      .summary = "list the commands, or the options of one",
      .synopsis = {"[COMMAND]"},
      .description = "Prints the list of commands, or how one command is called and which options it has.",
      .max_operands = 1,
      .operands = "at most one command",
      .only_reads = true,
      .run = run,
  };
}

}  // namespace cv::tools::commands
