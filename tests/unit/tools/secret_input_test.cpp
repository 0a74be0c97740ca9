// Where the secret of a store is looked for, in which order, and what is said where there is none.
#include "tools/secret_input.h"

#include <gtest/gtest.h>

#include "tests/support/scripted_console.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/tools/expect_error.h"
#include "tools/commands/list.h"

using namespace cv;
using namespace cv::tools;
using activate::SecretRequest;
using test::ScriptedConsole;

namespace {

SecretRequest request(unsigned attempt = 1, std::string handler = "luks2", std::uint32_t bits = 512) {
  SecretRequest wanted;
  wanted.vg = "vg0";
  wanted.store = "cryptostore1";
  wanted.handler = std::move(handler);
  wanted.attributes.key_bits = bits;
  wanted.attempt = attempt;
  return wanted;
}

std::string text(const crypt::SecureBytes& bytes) {
  return {bytes.data(), bytes.size()};
}

std::string text(const std::optional<crypt::SecureBytes>& bytes) {
  return bytes ? text(*bytes) : "(none)";
}

SecretSettings with_key_file(const std::string& path) {
  SecretSettings settings;
  settings.key_file = path;
  return settings;
}

}  // namespace

TEST(Secret, IsTheWholeKeyFileNewlineIncluded) {
  const test::TempDir folder;
  test::write_file(folder.path("key"), std::string_view("abc\ndef\n"));
  ScriptedConsole console(Input::terminal);
  SecretInput input(console, with_key_file(folder.path("key")));

  EXPECT_EQ(text(input.next(request())), "abc\ndef\n");
  EXPECT_TRUE(console.asked().empty());
}

TEST(Secret, FromAKeyFileIsTriedOnceForEachStore) {
  const test::TempDir folder;
  test::write_file(folder.path("key"), std::string_view("abc"));
  ScriptedConsole console(Input::terminal);
  SecretInput input(console, with_key_file(folder.path("key")));

  EXPECT_EQ(text(input.next(request(1))), "abc");
  EXPECT_EQ(text(input.next(request(2))), "(none)");
  EXPECT_EQ(text(input.next(request(1))), "abc");
}

TEST(Secret, FromAKeyFileThatEndsInANewlineIsExplainedWhereItIsWrong) {
  const test::TempDir folder;
  test::write_file(folder.path("with"), std::string_view("abc\n"));
  test::write_file(folder.path("without"), std::string_view("abc"));
  ScriptedConsole console;
  SecretInput with(console, with_key_file(folder.path("with")));
  SecretInput without(console, with_key_file(folder.path("without")));
  static_cast<void>(with.next(request()));
  static_cast<void>(without.next(request()));

  EXPECT_NE(with.advice_when_wrong().find("newline"), std::string::npos);
  EXPECT_EQ(without.advice_when_wrong(), "");
}

TEST(Secret, IsAskedForThreeTimesAtATerminal) {
  ScriptedConsole console(Input::terminal);
  console.type("one").type("two").type("three").type("four");
  SecretInput input(console, {});

  EXPECT_EQ(text(input.next(request(1))), "one");
  EXPECT_EQ(text(input.next(request(2))), "two");
  EXPECT_EQ(text(input.next(request(3))), "three");
  EXPECT_EQ(text(input.next(request(4))), "(none)");
  EXPECT_EQ(console.asked().size(), 3u);
}

TEST(Secret, IsTheFirstLineOfAPipeForEveryStore) {
  ScriptedConsole console(Input::stream);
  console.type("first").type("second");
  SecretInput input(console, {});

  EXPECT_EQ(text(input.next(request(1))), "first");
  EXPECT_EQ(text(input.next(request(2))), "(none)");
  EXPECT_EQ(text(input.next(request(1))), "first");
  EXPECT_EQ(console.lines_left(), 1u);
}

TEST(Secret, IsMissingAtTheEndOfFile) {
  ScriptedConsole pipe(Input::stream);
  ScriptedConsole terminal(Input::terminal);
  SecretInput from_pipe(pipe, {});
  SecretInput from_terminal(terminal, {});

  test::expect_error(Errc::key_missing, "--keyfile", [&] { static_cast<void>(from_pipe.next(request())); });
  test::expect_error(Errc::key_missing, "no line", [&] { static_cast<void>(from_terminal.next(request())); });
}

TEST(Secret, IsTheCredentialOfTheStoreWhereNobodyCanBeAsked) {
  const test::TempDir folder;
  test::write_file(folder.path("cvm.vg0.cryptostore1"), std::string_view("from systemd\n"));
  ScriptedConsole console;
  SecretSettings settings;
  settings.credentials = folder.path("");
  settings.may_ask = false;
  SecretInput input(console, settings);

  EXPECT_EQ(text(input.next(request())), "from systemd\n");
}

TEST(Secret, IsAskedOfAnAgentLast) {
  ScriptedConsole console;
  console.let_agent_say("agent");
  SecretInput input(console, {});

  EXPECT_EQ(text(input.next(request())), "agent");
  EXPECT_EQ(text(input.next(request(2))), "(none)");
}

TEST(Secret, IsMissingAtOnceWhereNobodyCanBeAsked) {
  ScriptedConsole console;
  SecretInput input(console, {});

  test::expect_error(Errc::key_missing, "no terminal", [&] { static_cast<void>(input.next(request())); });
}

TEST(Secret, IsMissingAtOnceWhereAskingIsForbidden) {
  for (const Input kind : {Input::terminal, Input::stream, Input::none}) {
    ScriptedConsole console(kind);
    console.type("secret").let_agent_say("secret");
    SecretSettings settings;
    settings.may_ask = false;
    SecretInput input(console, settings);

    test::expect_error(Errc::key_missing, "--no-ask-password",
                       [&] { static_cast<void>(input.next(request())); });
    EXPECT_TRUE(console.asked().empty());
  }
}

TEST(Secret, OfAPlainStoreIsTypedInHex) {
  ScriptedConsole console(Input::terminal);
  console.type("00fFa5");
  SecretInput input(console, {});

  EXPECT_EQ(text(input.next(request(1, "plain", 24))), std::string("\x00\xff\xa5", 3));
  EXPECT_NE(console.asked().front().find("6 hex digits"), std::string::npos);
}

TEST(Secret, OfAPlainStoreIsRefusedWhereItIsNoHex) {
  for (const char* bad : {"0", "0g", "hello!"}) {
    ScriptedConsole console(Input::stream);
    console.type(bad);
    SecretInput input(console, {});

    test::expect_error(Errc::key_file, "6 hex digits",
                       [&] { static_cast<void>(input.next(request(1, "plain", 24))); });
  }
}

TEST(Pin, IsAskedForThreeTimesAtATerminal) {
  ScriptedConsole console(Input::terminal);
  console.type("1").type("2").type("3").type("4");
  SecretInput input(console, {});

  EXPECT_EQ(text(input.pin(request(1), "tpm")), "1");
  EXPECT_EQ(text(input.pin(request(2), "tpm")), "2");
  EXPECT_EQ(text(input.pin(request(3), "tpm")), "3");
  EXPECT_EQ(text(input.pin(request(4), "tpm")), "(none)");
  EXPECT_NE(console.asked().front().find("PIN of vg0/cryptostore1 for its tpm token"), std::string::npos);
}

TEST(Pin, IsAskedOfAnAgentOnce) {
  ScriptedConsole console;
  console.let_agent_say("1");
  SecretInput input(console, {});

  EXPECT_EQ(text(input.pin(request(1), "tpm")), "1");
  EXPECT_EQ(text(input.pin(request(2), "tpm")), "(none)");
}

TEST(Pin, IsNotWantedWhereThePassphraseIsAtHandOrNobodyMayBeAsked) {
  const test::TempDir folder;
  test::write_file(folder.path("cvm.vg0.cryptostore1"), std::string_view("x"));
  ScriptedConsole pipe(Input::stream);
  pipe.type("passphrase");
  ScriptedConsole terminal(Input::terminal);
  terminal.type("1");
  ScriptedConsole nobody;
  nobody.let_agent_say("1");
  SecretSettings silent;
  silent.may_ask = false;
  SecretSettings with_credential;
  with_credential.credentials = folder.path("");

  EXPECT_EQ(text(SecretInput(pipe, {}).pin(request(), "tpm")), "(none)");
  EXPECT_EQ(pipe.lines_left(), 1u);
  EXPECT_EQ(text(SecretInput(terminal, silent).pin(request(), "tpm")), "(none)");
  EXPECT_EQ(text(SecretInput(nobody, with_credential).pin(request(), "tpm")), "(none)");
  EXPECT_TRUE(terminal.asked().empty() && nobody.asked().empty());
}

TEST(Tokens, AreNotAskedWhereAKeyFileIsNamed) {
  ScriptedConsole console;

  EXPECT_FALSE(SecretInput(console, with_key_file("key")).allows_tokens());
  EXPECT_TRUE(SecretInput(console, {}).allows_tokens());
}

TEST(NewSecret, IsTypedTwice) {
  ScriptedConsole console(Input::terminal);
  console.type("new").type("new");
  SecretInput input(console, {});

  EXPECT_EQ(text(input.fresh(request())), "new");
  EXPECT_EQ(console.asked().size(), 2u);
}

TEST(NewSecret, IsAskedForAgainWhereTheEntriesDiffer) {
  ScriptedConsole console(Input::terminal);
  console.type("new").type("old").type("new").type("new");
  SecretInput input(console, {});

  EXPECT_EQ(text(input.fresh(request())), "new");
}

TEST(NewSecret, IsGivenUpAfterThreeTries) {
  ScriptedConsole console(Input::terminal);
  for (int i = 0; i < 4; ++i) console.type("a").type("b");
  SecretInput input(console, {});

  test::expect_error(Errc::key_wrong, "not the same", [&] { static_cast<void>(input.fresh(request())); });
  EXPECT_EQ(console.asked().size(), 6u);
}

TEST(NewSecret, IsNotEmpty) {
  ScriptedConsole console(Input::stream);
  console.type("");
  SecretInput input(console, {});

  test::expect_error(Errc::key_missing, "empty", [&] { static_cast<void>(input.fresh(request())); });
}

TEST(SecretSettings, ComeFromTheOptions) {
  const std::vector<std::string> words{"--keyfile", "k", "--keyfile-offset",  "3",  "--keyfile-size", "4",
                                       "--tries",   "5", "--no-ask-password", "vg0"};
  const auto settings = secret_settings(Arguments(command_named("cvcreate"), words));

  EXPECT_EQ(settings.key_file, "k");
  EXPECT_EQ(settings.offset, Bytes(3));
  EXPECT_EQ(settings.size, Bytes(4));
  EXPECT_EQ(settings.tries, 5u);
  EXPECT_FALSE(settings.may_ask);
}

TEST(SecretSettings, AreRefusedWhereTheyAreAboutNoFile) {
  const std::vector<std::string> words{"--keyfile-size", "4", "vg0"};

  test::expect_error(Errc::usage, "--keyfile", [&] {
    static_cast<void>(secret_settings(Arguments(command_named("cvcreate"), words)));
  });
}
