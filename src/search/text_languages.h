// The languages of the documents of an index: in which a word is looked for.
//
// A document in another language than English has a facet that says so, and the index a note of the
// language, which tells what facets to look for. Notes stay when the last document has gone, until
// the index is made anew.
//
// Who: memory/. Thread-safety: that of the given source.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "search/keyspace.h"
#include "search/language.h"

namespace holdfast::search {

// Of a document; English has none.
std::string language_facet(Language language);

// Notes that the index under `prefix` has documents in the language; writes only what is new.
Status note_language(KeyTarget& target, std::string_view prefix, Language language);

// In which live documents are, English first; without documents: English. Errors: Unsupported: they
// were analysed by another program; Corruption; those of the source.
Result<std::vector<Language>> live_languages(KeySource& source, std::string_view prefix);

}  // namespace holdfast::search
