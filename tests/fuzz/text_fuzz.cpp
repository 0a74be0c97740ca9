// Any bytes are an error or a group, and what is a group is the same after print and read.
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/config/print.h"
#include "metadata/group_text.h"

namespace {

using namespace cv;

class Silence final : public log::Sink {
 public:
  void line(log::Level, std::string_view) noexcept override {}
};

/// The grammar alone: a tree that was read is the same after print and read.
void grammar(std::string_view text) {
  config::Parser parser(text);
  config::Printer printer(config::Layout::plain);
  config::Tree tree;
  try {
    for (const config::Event* event = &parser.next(); event->kind != config::Event::Kind::end;
         event = &parser.next())
      config::append_node(tree, parser, *event);
  } catch (const Error&) {
    return;
  }
  for (const auto& [key, node] : tree) printer.node(key, node);
  const std::string printed = std::move(printer).take();
  config::Parser again(printed);
  config::Tree back;
  for (const config::Event* event = &again.next(); event->kind != config::Event::Kind::end;
       event = &again.next())
    config::append_node(back, again, *event);
  CV_ASSERT(tree == back);
}

void group(std::string_view text, metadata::TextForm form) {
  metadata::VolumeGroup vg;
  std::string printed;
  try {
    vg = metadata::read_group(text, form);
    printed = metadata::print_group(vg, {}, form);
  } catch (const Error&) {
    return;
  }
  CV_ASSERT(metadata::read_group(printed, form) == vg);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Silence silence;
  const log::Redirect redirect(silence);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  grammar(text);
  group(text, metadata::TextForm::on_disk);
  group(text, metadata::TextForm::backup);
  return 0;
}
