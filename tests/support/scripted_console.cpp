#include "tests/support/scripted_console.h"

#include "lib/base/bytes.h"

namespace cv::test {

namespace {

std::optional<crypt::SecureBytes> secret(const std::optional<std::string>& line) {
  if (!line) return std::nullopt;
  return crypt::SecureBytes::copy_of(bytes_of(*line));
}

}  // namespace

ScriptedConsole& ScriptedConsole::type(std::string line) {
  lines_.push_back(std::move(line));
  return *this;
}

ScriptedConsole& ScriptedConsole::let_agent_say(std::string answer) {
  agent_ = std::move(answer);
  return *this;
}

std::optional<std::string> ScriptedConsole::take() {
  if (lines_.empty()) return std::nullopt;
  auto line = std::move(lines_.front());
  lines_.pop_front();
  return line;
}

std::optional<crypt::SecureBytes> ScriptedConsole::ask_hidden(const std::string& prompt) {
  asked_.push_back(prompt);
  return secret(take());
}

std::optional<crypt::SecureBytes> ScriptedConsole::next_line() {
  return secret(take());
}

std::optional<crypt::SecureBytes> ScriptedConsole::ask_agent(const std::string& prompt, const std::string&) {
  asked_.push_back(prompt);
  return secret(agent_);
}

std::optional<std::string> ScriptedConsole::ask(const std::string& question) {
  asked_.push_back(question);
  if (input_ == tools::Input::none) return std::nullopt;
  return take();
}

}  // namespace cv::test
