#include "bench/quality/stock.h"

namespace holdfast::bench {
namespace {

constexpr std::string_view kFact0Values[] = {"Biscuit", "Pepper", "Juno", "Otis", "Maple"};
constexpr std::string_view kFact0Statements[] = {"We just got our dog {v} back from the groomer.",
                                                 "I have to walk {v}, my beagle, in half an hour."};
constexpr std::string_view kFact0Questions[] = {"What is the name of my dog?",
                                                "What did I call my dog?"};
constexpr std::string_view kFact1Values[] = {"Lisbon", "Tucson", "Ghent", "Aarhus", "Halifax"};
constexpr std::string_view kFact1Statements[] = {
    "I moved to {v} last spring and still have boxes everywhere.",
    "Since I live in {v} now, I need a new dentist."};
constexpr std::string_view kFact1Questions[] = {"Which city do I live in?", "Where did I move to?"};
constexpr std::string_view kFact2Values[] = {"a Subaru Forester", "a Honda Civic", "a Volvo V60",
                                             "a Kia Niro", "a Mazda 3"};
constexpr std::string_view kFact2Statements[] = {
    "I drive {v}, and the brakes squeak in the morning.",
    "My car, {v}, needs new tyres before winter."};
constexpr std::string_view kFact2Questions[] = {"What car do I drive?", "Which model is my car?"};
constexpr std::string_view kFact3Values[] = {"peanuts", "shellfish", "sesame", "kiwi",
                                             "penicillin"};
constexpr std::string_view kFact3Statements[] = {
    "I can't have {v}, I'm allergic and swell up within minutes.",
    "The doctor confirmed that I am allergic to {v}."};
constexpr std::string_view kFact3Questions[] = {"What am I allergic to?",
                                                "Which allergy do I have?"};
constexpr std::string_view kFact4Values[] = {"4:12:30", "3:58:04", "4:45:11", "3:41:59", "5:02:47"};
constexpr std::string_view kFact4Statements[] = {
    "I finished my first marathon in {v}, slower than planned.",
    "My marathon time was {v}, with a cramp at the end."};
constexpr std::string_view kFact4Questions[] = {"What was my time in the marathon?",
                                                "How fast did I run the marathon?"};
constexpr std::string_view kFact5Values[] = {"night nurse", "tax auditor", "sound engineer",
                                             "bus driver", "soil scientist"};
constexpr std::string_view kFact5Statements[] = {"I work as a {v}, so my hours are strange.",
                                                 "My job as a {v} keeps me busy this month."};
constexpr std::string_view kFact5Questions[] = {"What do I do for work?", "What is my job?"};
constexpr std::string_view kFact6Values[] = {"mandolin", "cello", "trombone", "accordion", "oboe"};
constexpr std::string_view kFact6Statements[] = {
    "I have been practising the {v} for an hour every day.",
    "My {v} lessons are on Thursdays now."};
constexpr std::string_view kFact6Questions[] = {"Which instrument do I play?",
                                                "What instrument am I learning to play?"};
constexpr std::string_view kFact7Values[] = {"March 3", "June 21", "August 14", "October 30",
                                             "December 9"};
constexpr std::string_view kFact7Statements[] = {
    "My sister's birthday is on {v}, and I have no present yet.",
    "I need to book a table for my sister's birthday, {v}."};
constexpr std::string_view kFact7Questions[] = {"When is my sister's birthday?",
                                                "On which day is the birthday of my sister?"};
constexpr std::string_view kFact8Values[] = {"Fujifilm X-T30", "Canon R10", "Nikon Z50",
                                             "Sony A6400", "Pentax K-70"};
constexpr std::string_view kFact8Statements[] = {
    "I took the pictures with my {v}, the camera is light enough to hike with.",
    "My camera, the {v}, has dust on the sensor."};
constexpr std::string_view kFact8Questions[] = {"Which camera do I use?", "What camera do I have?"};
constexpr std::string_view kFact9Values[] = {"Haskell", "Elixir", "Fortran", "Kotlin", "OCaml"};
constexpr std::string_view kFact9Statements[] = {"At work I write everything in {v} these days.",
                                                 "I am learning {v}, and the compiler hates me."};
constexpr std::string_view kFact9Questions[] = {"Which programming language do I use at work?",
                                                "In what language do I program?"};
constexpr std::string_view kFact10Values[] = {"$1,150", "$980", "$1,420", "$1,675", "$860"};
constexpr std::string_view kFact10Statements[] = {"My rent is {v} a month, heating included.",
                                                  "I pay {v} in rent, which is most of my salary."};
constexpr std::string_view kFact10Questions[] = {"How much rent do I pay?", "What is my rent?"};
constexpr std::string_view kFact11Values[] = {"Dr. Okafor", "Dr. Lindqvist", "Dr. Marchetti",
                                              "Dr. Tanaka", "Dr. Brandt"};
constexpr std::string_view kFact11Statements[] = {
    "I have an appointment with my dentist, {v}, on Friday.",
    "My dentist is {v}, who talks about sailing while drilling."};
constexpr std::string_view kFact11Questions[] = {"Who is my dentist?",
                                                 "What is the name of my dentist?"};
constexpr std::string_view kFact12Values[] = {"10 mg", "25 mg", "40 mg", "75 mg", "5 mg"};
constexpr std::string_view kFact12Statements[] = {
    "I take {v} of the blood pressure tablets every morning.",
    "My prescription is {v} a day for blood pressure."};
constexpr std::string_view kFact12Questions[] = {
    "What dose of blood pressure medication do I take?",
    "How much of the blood pressure tablets am I prescribed?"};
constexpr std::string_view kFact13Values[] = {"The Magic Mountain", "Middlemarch", "Solaris",
                                              "Beloved", "Kindred"};
constexpr std::string_view kFact13Statements[] = {
    "I am halfway through {v} for my book club.",
    "Our book club reads {v} this month, and I lag behind."};
constexpr std::string_view kFact13Questions[] = {"Which book am I reading for the book club?",
                                                 "What does my book club read?"};
constexpr std::string_view kFact14Values[] = {"aisle 14", "slot 27", "bay 9", "space 112",
                                              "level 3"};
constexpr std::string_view kFact14Statements[] = {"I always park at {v} in the office garage.",
                                                  "My parking place at the office is {v}."};
constexpr std::string_view kFact14Questions[] = {"Where do I park at the office?",
                                                 "What is my parking place?"};
constexpr std::string_view kFact15Values[] = {"orchid", "monstera", "bonsai", "cactus", "fern"};
constexpr std::string_view kFact15Statements[] = {"The {v} on my desk is dropping leaves.",
                                                  "My desk plant, a {v}, gets too little light."};
constexpr std::string_view kFact15Questions[] = {"Which plant is on my desk?",
                                                 "What plant do I keep on my desk?"};
constexpr Fact kAllFact[] = {
    {kFact0Values, kFact0Statements,
     "We adopted another name for the dog in the end: everybody calls her {v} now.",
     "{who} has a dog named {v} that barks all night.", kFact0Questions},
    {kFact1Values, kFact1Statements, "I have moved again, to {v} this time, for good I hope.",
     "{who} lives in {v} and likes the weather there.", kFact1Questions},
    {kFact2Values, kFact2Statements, "I sold the old car and bought {v} instead.",
     "{who} drives {v} and complains about the fuel.", kFact2Questions},
    {kFact3Values, kFact3Statements,
     "The new test says that it is {v} I am allergic to, not the other thing.",
     "{who} is allergic to {v}, so the party menu is hard.", kFact3Questions},
    {kFact4Values, kFact4Statements, "I ran the marathon again and improved my time to {v}.",
     "{who} ran the marathon in {v} without any training.", kFact4Questions},
    {kFact5Values, kFact5Statements, "I changed careers and work as a {v} since Monday.",
     "{who} works as a {v} in the next town.", kFact5Questions},
    {kFact6Values, kFact6Statements, "I gave up that instrument and play the {v} these days.",
     "{who} plays the {v} in a street band.", kFact6Questions},
    {kFact7Values, kFact7Statements, "I had it wrong all the time: my sister's birthday is on {v}.",
     "{who} has a birthday on {v} and wants no presents.", kFact7Questions},
    {kFact8Values, kFact8Statements, "I traded the camera in and shoot with a {v} now.",
     "{who} bought the camera {v} and never uses it.", kFact8Questions},
    {kFact9Values, kFact9Statements, "My team dropped that language and I program in {v} now.",
     "{who} writes {v} for a bank.", kFact9Questions},
    {kFact10Values, kFact10Statements, "The landlord raised it, my rent is {v} from next month on.",
     "{who} pays {v} in rent for a tiny room.", kFact10Questions},
    {kFact11Values, kFact11Statements, "I switched to a new dentist, {v}, closer to home.",
     "{who} goes to the dentist {v} and is afraid of it.", kFact11Questions},
    {kFact12Values, kFact12Statements, "The dose of my blood pressure tablets was changed to {v}.",
     "{who} takes {v} of something for blood pressure.", kFact12Questions},
    {kFact13Values, kFact13Statements, "The book club voted again, so I am reading {v} instead.",
     "{who} could not finish {v} and gave it away.", kFact13Questions},
    {kFact14Values, kFact14Statements, "They moved my parking place to {v} because of repairs.",
     "{who} parks at {v} and blocks the way.", kFact14Questions},
    {kFact15Values, kFact15Statements, "That plant died, and I keep a {v} on the desk now.",
     "{who} has a {v} at home that is taller than a door.", kFact15Questions},
};

constexpr std::string_view kAdvice0Answers[] = {"Il Faro", "The Salt House", "Chez Amandine",
                                                "Kaito"};
constexpr std::string_view kAdvice1Answers[] = {"sphinx stretch", "cat-cow stretch", "child's pose",
                                                "piriformis stretch"};
constexpr std::string_view kAdvice2Answers[] = {"Torn Pages", "After the Crash", "Half a Commit",
                                                "Durable Lies"};
constexpr std::string_view kAdvice3Answers[] = {"hostas", "foxgloves", "lungworts", "astilbes"};
constexpr std::string_view kAdvice4Answers[] = {"white vinegar", "baking soda", "club soda",
                                                "dish soap"};
constexpr std::string_view kAdvice5Answers[] = {"Dead Reckoning", "Longitude Lines",
                                                "The Chart Room", "North by Stars"};
constexpr std::string_view kAdvice6Answers[] = {"sauerkraut", "kimchi", "tepache", "kefir"};
constexpr std::string_view kAdvice7Answers[] = {"My very easy method", "Many vultures eat mice",
                                                "Most volcanoes erupt mulch",
                                                "Mother visits every Monday"};
constexpr Advice kAllAdvice[] = {
    {"Can you recommend a restaurant for an anniversary near the harbour?",
     "For an anniversary near the harbour I would book {v}, which takes reservations for two.",
     kAdvice0Answers, "We walked along the harbour for our anniversary and ate sandwiches.",
     "Which restaurant near the harbour did you recommend for my anniversary?"},
    {"Which stretch helps against pain in the lower back?",
     "Against pain in the lower back try the {v}, twice a day for a minute.", kAdvice1Answers,
     "My back hurts after a day at the computer.",
     "What stretch did you suggest for my lower back?"},
    {"Suggest a title for my talk about failing databases.",
     "A title for a talk about failing databases could be '{v}'.", kAdvice2Answers,
     "I give a talk about databases next month and am nervous.",
     "Which title did you propose for my talk about databases?"},
    {"What should I plant in a shady corner of the garden?",
     "In a shady corner of the garden {v} do well and need little water.", kAdvice3Answers,
     "The shady corner of my garden is full of weeds.",
     "What did you say I should plant in the shady corner?"},
    {"How do I get red wine out of a wool carpet?",
     "Red wine comes out of a wool carpet with {v}; dab, do not rub.", kAdvice4Answers,
     "Somebody spilled wine on the carpet during the party.",
     "What did you advise for the red wine stain on my carpet?"},
    {"Name a podcast about the history of navigation.",
     "A podcast about the history of navigation that is worth it is {v}.", kAdvice5Answers,
     "I listened to a podcast about ships on the train.",
     "Which podcast on navigation did you name?"},
    {"What is a good first fermentation project?",
     "A good first fermentation project is {v}: two ingredients and a jar.", kAdvice6Answers,
     "Fermentation smells, says everybody in my house.",
     "Which fermentation project did you recommend to begin with?"},
    {"Give me a mnemonic for the order of the planets.",
     "A mnemonic for the order of the planets: '{v}'.", kAdvice7Answers,
     "We looked at the planets through a telescope.",
     "What mnemonic for the planets did you give me?"},
};

constexpr std::string_view kPreference0Statements[] = {
    "I never enjoy thrillers; slow films about ordinary people are my thing.",
    "Give me a quiet drama over an action film any day."};
constexpr std::string_view kPreference1Statements[] = {
    "I only stay in small guesthouses, large hotels make me gloomy.",
    "When travelling I prefer family-run guesthouses to hotel chains."};
constexpr std::string_view kPreference2Statements[] = {
    "I cook without meat since January.", "I have been a vegetarian for years and miss nothing."};
constexpr std::string_view kPreference3Statements[] = {
    "I exercise best in the water, running ruins my knees.",
    "My knees hate running, so swimming is my sport."};
constexpr std::string_view kPreference4Statements[] = {
    "I do all photo editing with open source tools, no subscriptions for me.",
    "I refuse software subscriptions and edit photos with open source programs."};
constexpr std::string_view kPreference5Statements[] = {
    "I read on paper only; screens before bed keep me awake.",
    "Books on paper for me, an e-reader keeps me awake."};
constexpr std::string_view kPreference6Statements[] = {
    "For presents I like things that can be used up: soap, tea, honey.",
    "I give presents that do not gather dust, such as tea or honey."};
constexpr std::string_view kPreference7Statements[] = {
    "I learn languages by listening to songs, grammar tables put me to sleep.",
    "Songs are how I learn a language; I cannot stand grammar tables."};
constexpr Preference kAllPreference[] = {
    {kPreference0Statements, "We watched a film with the neighbours last night.",
     "Can you suggest a film for tonight?", "a quiet drama"},
    {kPreference1Statements, "The hotel at the conference was loud.",
     "Can you recommend a place to stay in Porto, a guesthouse or a hotel?", "a small guesthouse"},
    {kPreference2Statements, "My neighbour grilled half of the weekend.",
     "What should I cook for dinner with friends, any recipe ideas, vegetarian or not?",
     "something without meat"},
    {kPreference3Statements, "A friend talked about her running shoes for an hour.",
     "What sport or exercise plan would suit me and my knees?", "swimming"},
    {kPreference4Statements, "My holiday photos are still on the card.",
     "What software should I use to edit my photos?", "open source tools"},
    {kPreference5Statements, "I dropped a book into the bath.",
     "Shall I get an e-reader or paper books for the holidays?", "paper"},
    {kPreference6Statements, "The shop wrapped the present badly.",
     "What present should I bring to a housewarming?", "something to be used up"},
    {kPreference7Statements, "Somebody on the train spoke a language I did not know.",
     "How should I begin to learn a new language, Italian for example?", "with songs"},
};

constexpr std::string_view kCount0Things[] = {"a basil",   "a rosemary", "a lemon tree",
                                              "a jasmine", "an aloe",    "a lavender"};
constexpr std::string_view kCount0Statements[] = {"I bought {v} for the balcony today.",
                                                  "Another plant for my balcony: I got {v}."};
constexpr std::string_view kCount1Things[] = {"Verona", "Bruges", "Porto",
                                              "Gdansk", "Lucca",  "Bergen"};
constexpr std::string_view kCount1Statements[] = {
    "I spent a weekend in {v}, it rained the whole weekend.",
    "My weekend trip to {v} was too short."};
constexpr std::string_view kCount2Things[] = {"a juicer",         "a toaster oven", "a rice cooker",
                                              "a food processor", "a kettle",       "a blender"};
constexpr std::string_view kCount2Statements[] = {"My kitchen has a new appliance, {v}.",
                                                  "I ordered {v} for the kitchen, it came today."};
constexpr std::string_view kCount3Things[] = {"a chair", "a bookshelf",  "a dresser",
                                              "a stool", "a side table", "a bench"};
constexpr std::string_view kCount3Statements[] = {"I restored {v} this week, sanding took longest.",
                                                  "I have finished restoring {v} for the hallway."};
constexpr std::string_view kCount4Things[] = {"Anna", "Tobias", "Meera", "Luis", "Hanne", "Dmitri"};
constexpr std::string_view kCount4Statements[] = {
    "I went to the wedding of {v} on Saturday.",
    "The wedding of {v} was outdoors, I danced all night."};
constexpr std::string_view kCount5Things[] = {"half a day of birdwatching", "a pottery class",
                                              "a sourdough class",          "a sailing lesson",
                                              "a printing workshop",        "a first aid class"};
constexpr std::string_view kCount5Statements[] = {"I took {v} as a treat for myself.",
                                                  "I signed up for {v}, and it was fun."};
constexpr Count kAllCount[] = {
    {kCount0Things, kCount0Statements, "{who} bought {v} for a balcony that gets no sun.",
     "How many plants did I buy for the balcony?"},
    {kCount1Things, kCount1Statements, "{who} spent a weekend in {v} and lost a suitcase.",
     "How many weekend trips have I made?"},
    {kCount2Things, kCount2Statements, "{who} got {v} for the kitchen as a present.",
     "How many kitchen appliances did I get?"},
    {kCount3Things, kCount3Statements, "{who} restored {v} badly and sold it.",
     "How many pieces of furniture have I restored?"},
    {kCount4Things, kCount4Statements, "{who} talked about the wedding of {v} without end.",
     "How many weddings did I attend?"},
    {kCount5Things, kCount5Statements, "{who} took {v} and was bored.",
     "How many classes or lessons did I take?"},
};

constexpr Deed kAllDeed[] = {
    {"fixing the fence", "I fixed the fence in the yard, finally."},
    {"the trip to the aquarium", "We made the trip to the aquarium with the children."},
    {"the charity run", "I took part in the charity run downtown."},
    {"buying the smart thermostat", "I bought a smart thermostat and it works."},
    {"the concert in the park", "The concert in the park was lovely, we sat on a blanket."},
    {"repainting the bedroom", "I repainted the bedroom in pale green."},
    {"the visit to the museum of science", "My visit to the museum of science took all day."},
    {"the car service", "The car service is done, I picked it up."},
    {"planting the tomatoes", "I planted the tomatoes behind the shed."},
    {"the quiz night at the pub", "We won the quiz night at the pub."},
    {"the eye test", "I had an eye test and need glasses."},
    {"assembling the crib", "Assembling the crib took four hours."},
};

constexpr std::string_view kTheme0Nouns[] = {"mortgage", "interest rate", "down payment",
                                             "credit score", "refinancing"};
constexpr std::string_view kTheme1Nouns[] = {"sourdough", "starter", "oven spring", "flour",
                                             "proofing"};
constexpr std::string_view kTheme2Nouns[] = {"black holes", "event horizon", "relativity",
                                             "neutron stars", "gravity"};
constexpr std::string_view kTheme3Nouns[] = {"spreadsheets", "pivot tables", "formulas", "macros",
                                             "charts"};
constexpr std::string_view kTheme4Nouns[] = {"yoga", "breathing", "posture", "balance",
                                             "meditation"};
constexpr std::string_view kTheme5Nouns[] = {"medieval castles", "moats", "sieges", "drawbridges",
                                             "knights"};
constexpr std::string_view kTheme6Nouns[] = {"solar panels", "inverters", "batteries",
                                             "feed-in tariffs", "roof angles"};
constexpr std::string_view kTheme7Nouns[] = {"chess openings", "endgames", "gambits",
                                             "pawn structure", "tactics"};
constexpr std::string_view kTheme8Nouns[] = {"bees", "hives", "pollination", "honey", "swarms"};
constexpr std::string_view kTheme9Nouns[] = {"tax returns", "deductions", "receipts", "deadlines",
                                             "income"};
constexpr std::string_view kTheme10Nouns[] = {"watercolours", "pigments", "brushes", "washes",
                                              "paper"};
constexpr std::string_view kTheme11Nouns[] = {"volcanoes", "magma", "eruptions", "ash clouds",
                                              "calderas"};
constexpr std::string_view kTheme12Nouns[] = {"job interviews", "cover letters", "references",
                                              "salaries", "small talk"};
constexpr std::string_view kTheme13Nouns[] = {"knitting", "yarn", "needles", "gauge", "patterns"};
constexpr std::string_view kTheme14Nouns[] = {"coral reefs", "bleaching", "tides", "plankton",
                                              "divers"};
constexpr std::string_view kTheme15Nouns[] = {"jazz", "improvisation", "swing", "saxophones",
                                              "chords"};
constexpr std::string_view kTheme16Nouns[] = {"compilers", "parsers", "registers", "optimisation",
                                              "syntax trees"};
constexpr std::string_view kTheme17Nouns[] = {"wine", "tannins", "grapes", "cellars", "corks"};
constexpr std::string_view kTheme18Nouns[] = {"first aid", "bandages", "burns", "shock",
                                              "bleeding"};
constexpr std::string_view kTheme19Nouns[] = {"migration of birds", "nests", "feathers", "flyways",
                                              "wetlands"};
constexpr std::string_view kTheme20Nouns[] = {"public transport", "timetables", "tickets", "delays",
                                              "trams"};
constexpr std::string_view kTheme21Nouns[] = {"glaciers", "moraines", "meltwater", "crevasses",
                                              "ice cores"};
constexpr std::string_view kTheme22Nouns[] = {"typography", "serifs", "kerning", "ligatures",
                                              "margins"};
constexpr std::string_view kTheme23Nouns[] = {"puppets", "strings", "stages", "masks",
                                              "shadow plays"};
constexpr Theme kAllTheme[] = {
    {kTheme0Nouns},  {kTheme1Nouns},  {kTheme2Nouns},  {kTheme3Nouns},  {kTheme4Nouns},
    {kTheme5Nouns},  {kTheme6Nouns},  {kTheme7Nouns},  {kTheme8Nouns},  {kTheme9Nouns},
    {kTheme10Nouns}, {kTheme11Nouns}, {kTheme12Nouns}, {kTheme13Nouns}, {kTheme14Nouns},
    {kTheme15Nouns}, {kTheme16Nouns}, {kTheme17Nouns}, {kTheme18Nouns}, {kTheme19Nouns},
    {kTheme20Nouns}, {kTheme21Nouns}, {kTheme22Nouns}, {kTheme23Nouns},
};

constexpr std::string_view kAllOthers[] = {
    "My neighbour", "My uncle",  "A colleague of mine",  "The new trainee",
    "My flatmate",  "My cousin", "A friend from school", "The man at the bakery"};
constexpr std::string_view kAllOrderForms[] = {"Which came first, {a} or {b}?",
                                               "What happened earlier: {a} or {b}?",
                                               "Did {a} happen before or after {b}?"};
constexpr std::string_view kAllQuestionForms[] = {
    "Can you explain how {a} and {b} belong together?",
    "What should I know about {a} before I start?",
    "I keep mixing up {a} and {b}, help me.",
    "Tell me something surprising about {a}.",
    "Is it true that {a} depends on {b}?",
    "Where would I find good material about {a}?",
    "Write me a short text about {a} for the newsletter.",
    "What are common mistakes with {a}?",
    "How did people deal with {a} a hundred years ago?",
    "Could you compare {a} with {b} in a few sentences?"};
constexpr std::string_view kAllReplyForms[] = {
    "Most people begin with {a} and come to {b} later.",
    "There is a long debate about whether {a} matters more than {b}.",
    "A good rule is to look at {a} first, then decide.",
    "It depends on how much time you have for {b}.",
    "Experts on {a} would probably disagree with that.",
    "You could keep a small notebook about {a} for a month.",
    "In short, {a} is easier than it looks, and {b} is harder.",
    "Many courses treat {a} and {b} in the same week.",
    "Let me know if you want more detail on {b}.",
    "The usual advice about {a} is to be patient.",
    "One example is how {b} changed over the years.",
    "If {a} feels like too much, take a step back and try {b}."};

}  // namespace

const std::span<const Fact> kFacts = kAllFact;
const std::span<const Advice> kAdvice = kAllAdvice;
const std::span<const Preference> kPreferences = kAllPreference;
const std::span<const Count> kCounts = kAllCount;
const std::span<const Deed> kDeeds = kAllDeed;
const std::span<const Theme> kThemes = kAllTheme;
const Texts kOthers = kAllOthers;
const Texts kOrderForms = kAllOrderForms;
const Texts kQuestionForms = kAllQuestionForms;
const Texts kReplyForms = kAllReplyForms;

}  // namespace holdfast::bench
