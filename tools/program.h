// From the words of a command line to the command that runs.
#pragma once

#include <string>
#include <vector>

#include "tools/message_sink.h"
#include "tools/output.h"
#include "tools/session.h"

namespace cv::tools {

/// Which command a command line calls, and with what.
struct Call {
  const Command* command = nullptr;
  std::vector<std::string> words;
};
/// words[0] is how the program was called: the name of a command that has a link, or anything else for cvm
/// itself. Throws Errc::usage.
Call call_of(const std::vector<std::string>& words);

/// What --reportformat says, as far as that can be told before the words are understood: errors about them
/// come in that format too.
Format format_in(const std::vector<std::string>& words);

/// Runs the command. Throws whatever ends it; main() makes an exit status of that.
void run_command(const std::vector<std::string>& words, const Host& host, MessageSink& sink);

}  // namespace cv::tools
