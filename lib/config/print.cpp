#include "lib/config/print.h"

#include <algorithm>
#include <array>

#include "lib/base/match.h"

namespace cv::config {

namespace {

constexpr std::size_t kTabWidth = 8;
constexpr std::size_t kCommentTab = 6;  ///< LVM2 lines comments up at this tab stop where it can

constexpr auto kBare = [] {
  std::array<bool, 256> bare{};
  for (const char c : std::string_view("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.+-"))
    bare[static_cast<unsigned char>(c)] = true;
  return bare;
}();

bool is_bare_key(std::string_view key) {
  return std::ranges::all_of(key, [](char c) { return kBare[static_cast<unsigned char>(c)]; });
}

}  // namespace

void Printer::open(std::string_view key) {
  indent();
  put_key(key);
  out_ += " {\n";
  ++depth_;
}

void Printer::close() {
  CV_ASSERT(depth_ > 0);
  --depth_;
  indent();
  out_ += "}\n";
}

void Printer::blank() {
  out_ += '\n';
}

void Printer::remark(std::string_view comment) {
  indent();
  out_ += "# ";
  std::ranges::replace_copy(comment, std::back_inserter(out_), '\n', ' ');
  out_ += '\n';
}

void Printer::integer(std::string_view key, std::int64_t number, std::string_view comment) {
  begin(key);
  fmt::format_to(std::back_inserter(out_), "{}", number);
  end(comment);
}

void Printer::number(std::string_view key, std::uint64_t number, std::string_view comment) {
  begin(key);
  fmt::format_to(std::back_inserter(out_), "{}", number);
  end(comment);
}

void Printer::negative(std::string_view key, std::int64_t number, std::string_view comment) {
  begin(key);
  fmt::format_to(std::back_inserter(out_), "{}", number);
  end(comment);
}

void Printer::text(std::string_view key, std::string_view text, std::string_view comment) {
  begin(key);
  put_quoted(text);
  end(comment);
}

void Printer::texts(std::string_view key, const std::vector<std::string>& texts) {
  begin(key);
  put_texts(std::span<const std::string>(texts));
  end({});
}

void Printer::texts(std::string_view key, std::span<const std::string_view> texts) {
  begin(key);
  put_texts(texts);
  end({});
}

template <class Text>
void Printer::put_texts(std::span<const Text> texts) {
  out_ += '[';
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) out_ += ", ";
    put_quoted(texts[i]);
  }
  out_ += ']';
}

void Printer::value(std::string_view key, const Value& value) {
  begin(key);
  if (value.items.size() == 1 && !value.is_list) {
    put_scalar(value.items.front());
  } else {
    out_ += '[';
    for (std::size_t i = 0; i < value.items.size(); ++i) {
      if (i > 0) out_ += ", ";
      put_scalar(value.items[i]);
    }
    out_ += ']';
  }
  end({});
}

void Printer::rows(std::string_view key, const std::vector<Scalar>& items, std::size_t per_line) {
  begin(key);
  out_ += "[\n";
  ++depth_;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i % per_line == 0) indent();
    put_scalar(items[i]);
    const bool last_of_line = (i + 1) % per_line == 0;
    if (i + 1 < items.size()) out_ += last_of_line ? ",\n" : ", ";
  }
  --depth_;
  out_ += '\n';
  indent();
  out_ += "]\n";
}

void Printer::node(std::string_view key, const Tree& tree) {
  if (!tree.data().is_section) {
    value(key, tree.data());
    return;
  }
  open(key);
  for (const auto& [name, below] : tree) node(name, below);
  close();
}

void Printer::indent() {
  line_start_ = out_.size();
  if (layout_ == Layout::readable) out_.append(depth_, '\t');
}

void Printer::begin(std::string_view key) {
  indent();
  put_key(key);
  out_ += " = ";
}

void Printer::end(std::string_view comment) {
  if (!comment.empty() && layout_ == Layout::readable) {
    // As LVM2 counts: at least one tab, none past the tab stop where comments line up.
    const std::size_t columns = out_.size() - line_start_ - depth_ + kTabWidth * depth_;
    const std::size_t tab = columns / kTabWidth + 1;
    out_.append(tab < kCommentTab ? kCommentTab - tab : 1, '\t');
    out_ += "# ";
    out_ += comment;
  }
  out_ += '\n';
}

void Printer::put_key(std::string_view key) {
  CV_ASSERT(!key.empty());
  if (is_bare_key(key))
    out_ += key;
  else
    put_quoted(key);
}

void Printer::put_quoted(std::string_view text) {
  if (text.find('\0') != std::string_view::npos)
    throw Error(Errc::refused, "a name or value with a NUL byte can't be written into metadata");
  out_ += '"';
  std::size_t copied = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '"' && text[at] != '\\') continue;
    out_ += text.substr(copied, at - copied);
    out_ += '\\';
    copied = at;
  }
  out_ += text.substr(copied);
  out_ += '"';
}

void Printer::put_scalar(const Scalar& scalar) {
  match(
      scalar, [&](std::int64_t number) { fmt::format_to(std::back_inserter(out_), "{}", number); },
      [&](const Real& real) { out_ += real.text; }, [&](const std::string& text) { put_quoted(text); });
}

std::string size_comment(Sectors size) {
  static constexpr std::string_view kUnits[] = {"Kilobytes", "Megabytes", "Gigabytes", "Terabytes"};
  double amount = static_cast<double>(size.n) / 2;
  std::size_t unit = 0;
  while (amount > 1024 && unit + 1 < std::size(kUnits)) {
    amount /= 1024;
    ++unit;
  }
  return fmt::format("{:g} {}", amount, kUnits[unit]);
}

Printer& SectionWriter::at(std::string_view key) {
  const std::size_t rank = rank_of(order_, key, next_key_);
  CV_ASSERT(rank < order_.size());
  next_key_ = rank + 1;
  print_carried_before(rank);
  printed_ |= std::uint64_t{1} << rank;
  return printer_;
}

void SectionWriter::finish() {
  print_carried_before(order_.size());
}

void SectionWriter::print_carried_before(std::size_t rank) {
  for (; next_carried_ < carried_.size(); ++next_carried_) {
    const CarriedNode& node = carried_[next_carried_];
    if (!node.after.empty() && rank_of(order_, node.after) >= rank) return;
    // A value that could not be understood gives way to one that was set since.
    const std::size_t own = rank_of(order_, node.key);
    if (own < order_.size() && (printed_ >> own & 1) != 0) continue;
    printer_.node(node.key, node.node);
  }
}

}  // namespace cv::config
