// Help, pages and completion say what the tables say.
#include "tools/manual.h"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/error.h"
#include "tools/commands/list.h"
#include "tools/common_options.h"
#include "tools/completion.h"
#include "tools/help.h"
#include "tools/program.h"

using namespace cv;
using namespace cv::tools;
using testing::HasSubstr;

namespace {

std::vector<const Option*> options_of(const std::vector<OptionGroup>& groups) {
  std::vector<const Option*> options;
  for (const auto& group : groups) {
    for (const auto& option : group.options) options.push_back(&option);
  }
  return options;
}

std::string page(const std::string& name) {
  const auto pages = manual_pages(all_commands());
  const auto found = std::ranges::find(pages, name, &ManualPage::name);
  return found == pages.end() ? std::string() : found->text;
}

}  // namespace

TEST(Manual, HasEveryOptionOfEveryCommand) {
  for (const auto& command : all_commands()) {
    const auto text = manual_page(command).text;
    const auto groups = all_options(command);
    for (const Option* option : options_of(groups)) {
      EXPECT_THAT(text, HasSubstr("\\fB\\-\\-" + roff(option->name) + "\\fR")) << command.name;
      EXPECT_THAT(text, HasSubstr(roff(option->help))) << command.name;
    }
  }
}

TEST(Manual, HasAPageForEveryCommandThatHidesNoneOfLvms) {
  std::set<std::string> names;
  for (const auto& one : manual_pages(all_commands())) names.insert(one.name);

  EXPECT_EQ(names.size(), all_commands().size() + 2);
  for (const char* name : {"cvm.8", "cvm.7", "cvs.8", "cvm-pvs.8", "cvm-vgcreate.8"})
    EXPECT_TRUE(names.contains(name));
  EXPECT_FALSE(names.contains("pvs.8"));
}

TEST(Manual, ListsEveryCommandAndEveryErrorId) {
  const auto overview = page("cvm.8");
  for (const auto& command : all_commands()) EXPECT_THAT(overview, HasSubstr(roff(page_name(command))));

  const auto errors = page("cvm.7");
  for (int code = 0; code <= static_cast<int>(Errc::interrupted); ++code) {
    EXPECT_THAT(errors, HasSubstr(roff(error_id(static_cast<Errc>(code)))));
  }
}

TEST(Manual, HasNoLineThatRoffTakesForACommand) {
  EXPECT_EQ(roff(".so /etc/passwd\n'x \\fB"), "\\&.so /etc/passwd\n\\&\\(aqx \\efB");
}

TEST(Help, ShowsEveryOption) {
  for (const auto& command : all_commands()) {
    const auto text = help_text(command);
    const auto groups = all_options(command);
    for (const Option* option : options_of(groups)) {
      EXPECT_THAT(text, HasSubstr("--" + std::string(option->name))) << command.name;
    }
  }
}

TEST(Completion, KnowsEveryCommandAndOption) {
  const auto text = bash_completion(all_commands());
  for (const auto& command : all_commands()) {
    EXPECT_THAT(text, HasSubstr("    " + std::string(command.name) + ") echo '"));
    const auto groups = all_options(command);
    for (const Option* option : options_of(groups))
      EXPECT_THAT(text, HasSubstr("--" + std::string(option->name)));
  }
}

TEST(OptionTable, HasNoNameOrLetterTwice) {
  for (const auto& command : all_commands()) {
    std::set<std::string> names;
    std::set<char> letters;
    const auto groups = all_options(command);
    for (const Option* option : options_of(groups)) {
      std::string bare(option->name);
      std::erase(bare, '-');
      EXPECT_TRUE(names.insert(bare).second) << command.name << " --" << option->name;
      if (option->letter != 0) {
        EXPECT_TRUE(letters.insert(option->letter).second) << command.name << " -" << option->letter;
      }
    }
  }
}

TEST(OptionTable, SaysOneClauseAboutEachOption) {
  for (const auto& command : all_commands()) {
    EXPECT_FALSE(command.summary.empty());
    EXPECT_FALSE(command.description.empty()) << command.name;
    const auto groups = all_options(command);
    for (const Option* option : options_of(groups)) {
      EXPECT_FALSE(option->help.empty()) << option->name;
      EXPECT_FALSE(option->help.ends_with('.')) << option->name;
    }
  }
}

TEST(Call, IsByLinkOrBehindCvm) {
  EXPECT_EQ(call_of({"/sbin/cvs", "-a"}).command->name, "cvs");
  EXPECT_EQ(call_of({"cvm", "cvs", "-a"}).words, std::vector<std::string>{"-a"});
  EXPECT_EQ(call_of({"cvm", "pvs"}).command->name, "pvs");
  EXPECT_EQ(call_of({"cvm", "--version"}).command->name, "version");
  EXPECT_EQ(call_of({"cvm", "-h"}).command->name, "help");
}

TEST(Call, OfPvCommandsByTheirOwnNameIsNone) {
  EXPECT_THROW(call_of({"/sbin/pvs", "-a"}), Error);
}

TEST(Call, OfAnUnknownCommandIsRefusedByName) {
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"cvm", "frobnicate"}, {"cvm"}, {"cvm", "-a"}, {"cvm", ""}}) {
    try {
      static_cast<void>(call_of(words));
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(exit_status(error.code()), 3);
    }
  }
}
