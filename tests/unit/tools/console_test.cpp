// Prompts on a real terminal: what is shown, what is not, and how it ends.
#include "tools/terminal_console.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/handle.h"
#include "tests/support/scripted_console.h"
#include "tests/unit/tools/expect_error.h"

using namespace cv;
using namespace cv::tools;
using testing::HasSubstr;
using testing::Not;

namespace {

class Terminal {
 public:
  Terminal() {
    int person = -1;
    int program = -1;
    EXPECT_EQ(openpty(&person, &program, nullptr, nullptr, nullptr), 0);
    person_ = Fd(person);
    program_ = Fd(program);
  }

  int program() const { return program_.get(); }
  void type(std::string_view text) const {
    EXPECT_EQ(write(person_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  /// Reads what the person sees until `word` is there.
  std::string wait_for(std::string_view word) {
    while (seen_.find(word) == std::string::npos && read_more(10000)) {
    }
    return seen_;
  }
  std::string seen() {
    while (read_more(0)) {
    }
    return seen_;
  }
  bool has_echo() const {
    termios state{};
    tcgetattr(program_.get(), &state);
    return (state.c_lflag & ECHO) != 0;
  }
  void hang_up() { person_.reset(); }

 private:
  bool read_more(int milliseconds) {
    pollfd waited{person_.get(), POLLIN, 0};
    if (poll(&waited, 1, milliseconds) <= 0) return false;
    char buffer[256];
    const auto got = read(person_.get(), buffer, sizeof buffer);
    if (got <= 0) return false;
    seen_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  Fd person_;
  Fd program_;
  std::string seen_;
};

std::string text(const crypt::SecureBytes& bytes) {
  return {bytes.data(), bytes.size()};
}

/// A pipe that holds `content` and then ends.
Fd pipe_with(std::string_view content) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const Fd writing(ends[1]);
  EXPECT_EQ(write(writing.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
  return Fd(ends[0]);
}

}  // namespace

TEST(Console, ShowsNothingOfASecret) {
  Terminal terminal;
  const auto console = console_on(terminal.program(), terminal.program());
  auto answer = std::async(std::launch::async, [&] { return console->ask_hidden("Passphrase: "); });
  EXPECT_THAT(terminal.wait_for("Passphrase: "), HasSubstr("Passphrase: "));
  EXPECT_FALSE(terminal.has_echo());

  terminal.type("hunter2 \n");

  const auto secret = answer.get();
  ASSERT_TRUE(secret);
  EXPECT_EQ(text(*secret), "hunter2 ");
  EXPECT_THAT(terminal.seen(), Not(HasSubstr("hunter2")));
  EXPECT_TRUE(terminal.has_echo());
}

TEST(Console, TakesEndOfFileForNoAnswer) {
  Terminal terminal;
  const auto console = console_on(terminal.program(), terminal.program());
  auto answer = std::async(std::launch::async, [&] { return console->ask_hidden("Passphrase: "); });
  terminal.wait_for("Passphrase: ");

  terminal.type("\x04");

  EXPECT_FALSE(answer.get());
  EXPECT_TRUE(terminal.has_echo());
}

TEST(Console, TakesALineThatEndsWithoutANewline) {
  Terminal terminal;
  const auto console = console_on(terminal.program(), terminal.program());
  auto answer = std::async(std::launch::async, [&] { return console->ask_hidden("Passphrase: "); });
  terminal.wait_for("Passphrase: ");

  terminal.type("abc\x04\x04");

  const auto secret = answer.get();
  ASSERT_TRUE(secret);
  EXPECT_EQ(text(*secret), "abc");
}

TEST(Console, EndsWhenTheTerminalGoesAway) {
  Terminal terminal;
  const auto console = console_on(terminal.program(), terminal.program());
  auto answer = std::async(std::launch::async, [&] { return console->ask_hidden("Passphrase: "); });
  terminal.wait_for("Passphrase: ");

  terminal.hang_up();

  EXPECT_FALSE(answer.get());
}

TEST(Console, PutsTheTerminalBackWhenASignalEndsIt) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    Terminal terminal;
    // A process of its own: the signal goes to it as Ctrl-C would.
    const pid_t child = fork();
    if (child == 0) {
      const auto console = console_on(terminal.program(), terminal.program());
      try {
        static_cast<void>(console->ask_hidden("Passphrase: "));
      } catch (const Error& error) {
        _exit(error.code() == Errc::interrupted ? 42 : 1);
      }
      _exit(2);
    }
    terminal.wait_for("Passphrase: ");
    EXPECT_FALSE(terminal.has_echo());

    kill(child, signal);

    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status)) << signal;
    EXPECT_EQ(WEXITSTATUS(status), 42) << signal;
    EXPECT_TRUE(terminal.has_echo()) << signal;
  }
}

TEST(Console, GivesTheTerminalBackWhileTheProcessIsStopped) {
  Terminal terminal;
  const pid_t child = fork();
  if (child == 0) {
    const auto console = console_on(terminal.program(), terminal.program());
    const auto secret = console->ask_hidden("Passphrase: ");
    _exit(secret && text(*secret) == "later" ? 42 : 1);
  }
  terminal.wait_for("Passphrase: ");

  kill(child, SIGTSTP);

  int status = 0;
  waitpid(child, &status, WUNTRACED);
  ASSERT_TRUE(WIFSTOPPED(status));
  EXPECT_TRUE(terminal.has_echo());

  kill(child, SIGCONT);

  while (terminal.wait_for("Passphrase: \r\nPassphrase: ").find("\nPassphrase: ") == std::string::npos) {
  }
  EXPECT_FALSE(terminal.has_echo());
  terminal.type("later\n");
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 42);
}

TEST(Console, KnowsATerminalFromAPipeFromNothing) {
  const Terminal terminal;
  const Fd pipe = pipe_with("x");
  const Fd nothing(open("/dev/null", O_RDONLY));

  EXPECT_EQ(console_on(terminal.program(), -1)->input(), Input::terminal);
  EXPECT_EQ(console_on(pipe.get(), -1)->input(), Input::stream);
  EXPECT_EQ(console_on(nothing.get(), -1)->input(), Input::none);
  EXPECT_EQ(console_on(-1, -1)->input(), Input::none);
}

TEST(Console, ReadsLinesOfAPipeAndNotOneByteMore) {
  const Fd pipe = pipe_with("first\n\nthird");
  const auto console = console_on(pipe.get(), -1);

  EXPECT_EQ(text(*console->next_line()), "first");
  EXPECT_EQ(text(*console->next_line()), "");
  EXPECT_EQ(text(*console->next_line()), "third");
  EXPECT_FALSE(console->next_line());
}

TEST(Console, KeepsZeroBytesAndLongLinesOfAPipe) {
  const std::string line = std::string("a\0b", 3) + std::string(5000, 'x');
  const Fd pipe = pipe_with(line + "\n");

  EXPECT_EQ(text(*console_on(pipe.get(), -1)->next_line()), line);
}

TEST(Console, AsksInTheOpenWhereItIsNoSecret) {
  Terminal terminal;
  const auto console = console_on(terminal.program(), terminal.program());
  terminal.type("y\n");

  EXPECT_EQ(console->ask("Really? "), "y");
  EXPECT_THAT(terminal.seen(), HasSubstr("Really? "));
}

TEST(Question, IsAskedUntilTheAnswerIsOne) {
  test::ScriptedConsole console(Input::terminal);
  console.type("what").type("").type("y");

  EXPECT_TRUE(confirmed(console, "Really?", Assume::nothing));
  EXPECT_EQ(console.asked().size(), 3u);
}

TEST(Question, IsAnsweredWithNoByNoAndByNobody) {
  test::ScriptedConsole no(Input::terminal);
  no.type("n");
  test::ScriptedConsole nobody;

  EXPECT_FALSE(confirmed(no, "Really?", Assume::nothing));
  EXPECT_FALSE(confirmed(nobody, "Really?", Assume::nothing));
}

TEST(Question, IsNotAskedWhereYesWasSaid) {
  test::ScriptedConsole console;

  EXPECT_TRUE(confirmed(console, "Really?", Assume::yes));
  EXPECT_TRUE(console.asked().empty());
}
