// A console that answers from a list; passes for a terminal, a pipe or nothing.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "tools/console.h"

namespace cv::test {

class ScriptedConsole final : public tools::Console {
 public:
  explicit ScriptedConsole(tools::Input input = tools::Input::none) : input_(input) {}

  /// What will be typed, line by line; then comes the end of file.
  ScriptedConsole& type(std::string line);
  /// What a password agent will answer.
  ScriptedConsole& let_agent_say(std::string answer);
  /// Everything that was asked, in order.
  const std::vector<std::string>& asked() const { return asked_; }
  std::size_t lines_left() const { return lines_.size(); }

  tools::Input input() override { return input_; }
  std::optional<crypt::SecureBytes> ask_hidden(const std::string& prompt) override;
  std::optional<crypt::SecureBytes> next_line() override;
  std::optional<crypt::SecureBytes> ask_agent(const std::string& prompt, const std::string& id) override;
  std::optional<std::string> ask(const std::string& question) override;

 private:
  std::optional<std::string> take();

  tools::Input input_;
  std::deque<std::string> lines_;
  std::optional<std::string> agent_;
  std::vector<std::string> asked_;
};

}  // namespace cv::test
