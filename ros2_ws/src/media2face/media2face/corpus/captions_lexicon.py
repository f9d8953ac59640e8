"""The wordings behind `captions`: per emotion and kind of phrase, and those between emotions."""

from __future__ import annotations

# Comma-separated; "+" marks a strong wording, "-" a mild one.
LEXICON: dict[str, dict[str, str]] = {
    "neutral": {
        "adj": """neutral, normal, calm, ordinary, plain, matter-of-fact, even, steady,
            composed, relaxed, serene, unemotional, emotionless, expressionless, blank, flat,
            deadpan, impassive, businesslike, factual, objective, professional, sober,
            level-headed, cool, collected, unmoved, monotone, indifferent, casual, regular,
            default, natural, quiet, formal, balanced, measured, poker-faced, stoic, robotic,
            dispassionate, placid, peaceful, tranquil, at ease, unfazed, detached, mellow,
            straight-faced, everyday, conversational, standard, untroubled, serious,
            attentive, focused, thoughtful, unexcited, nonchalant, bland, dull, reserved,
            mild, unruffled, unperturbed, clear, straightforward, impartial, passive, wooden,
            stone-faced, mechanical, restful, zen, patient, soft-spoken, low-key, laid-back,
            easygoing, chilled, sedate, uninvolved, apathetic, unimpassioned, typical,
            average, usual, okay, rational""",
        "adv": """neutrally, normally, calmly, plainly, evenly, steadily, factually, objectively,
            matter-of-factly, flatly, quietly, casually, naturally, professionally, serenely,
            formally, without emotion, without any feeling, without expression, impassively,
            placidly, in a measured way, peacefully, as usual, the usual way, unemotionally""",
        "noun": """neutrality, composure, calm, no emotion, no particular emotion, detachment, no
            feeling, serenity, tranquillity, objectivity, an even temper, indifference""",
        "verb": """talking, speaking, reading the news, giving a lecture, explaining something,
            making an announcement, reading a manual, chatting, describing the weather,
            narrating, reading out a list, giving directions, telling the time, presenting a
            report, dictating, just saying the words, introducing the speaker, answering a
            question, counting, reading a recipe, listing facts, doing an ordinary job,
            reading from a teleprompter, listening, thinking, reciting a phone number,
            whispering a secret, whispering, daydreaming, meditating, waiting, resting,
            working, teaching, reading a book aloud, giving a status update, taking notes,
            ordering coffee, reading the weather forecast, speaking softly, speaking slowly,
            talking fast, murmuring""",
        "past": """had nothing special to say, felt nothing in particular, was reading the news,
            had an average day, was asked for directions, was on the phone about an appointment,
            was reading a bus timetable, read a textbook, had an ordinary morning, was at work""",
        "idiom": """cool as a cucumber, calm and collected, as cool as ice, on an even keel,
            neither happy nor sad, nothing special, business as usual, with a straight face,
            neither here nor there, no emotion at all, just the facts, keeping a level head,
            as normal, a news anchor, a newsreader, a lecturer, a narrator, a robot, an
            android, a tour guide, a train announcement, a voice assistant, a receptionist, a
            teacher, a documentary voice, a newsreader at work, a butler, a scientist, a
            professor, a secretary, a customer service agent, a navigation system, a judge, a
            pilot, a doctor explaining a diagnosis, a stone face, nothing at all""",
    },
    "happy": {
        "adj": """happy, joyful, cheerful, glad, delighted, merry, jolly, sunny, upbeat,
            excited, joyous, cheery, bubbly, playful, lively, bright, gleeful, amused,
            grateful, optimistic, proud, enthusiastic, radiant, beaming, smiling, thankful,
            carefree, high-spirited, jubilant, buoyant, chipper, festive, warm, loving,
            affectionate, lighthearted, exuberant, laughing, giggly, perky, good-humoured,
            vivacious, blissful, energetic, triumphant, victorious, friendly, welcoming,
            funny, jovial, mirthful, peppy, blessed, -pleased, -content, -satisfied, -hopeful,
            -kind, -relieved, -contented, -good, -fine, -gentle, -tender, -pleasant, -sweet,
            -comforted, -encouraging, +ecstatic, +elated, +overjoyed, +thrilled, +euphoric,
            +rapturous, +exhilarated, +delirious with joy, +wildly happy, +exultant, +jumping
            for joy, +rejoicing, ebullient, sparkling, glowing, giddy, sprightly, zestful,
            tickled, zippy, spirited, fun-loving, fun, charmed, rosy, in love, charming,
            good-natured, genial, cordial, jaunty, frolicsome, hyper, vibrant, dreamy,
            adoring, romantic, sociable, mischievous, heartwarming, wonderful, fantastic,
            great, awesome, happy-go-lucky, wholesome, inspired, hilarious, humorous, comical,
            eager, motivated, +on fire with joy, +blissed out, +over-excited, +beatific,
            +enraptured, -serene and smiling, -at peace with the world, -caring,
            -compassionate, -reassuring""",
        "adv": """happily, joyfully, cheerfully, gladly, merrily, gleefully, excitedly, brightly,
            enthusiastically, proudly, warmly, playfully, with a smile, with a big grin, in high
            spirits, with laughter, lovingly, optimistically, in a good mood, jubilantly,
            cheerily, +ecstatically, +with boundless joy, -contentedly, -hopefully, -kindly,
            -pleasantly""",
        "noun": """happiness, joy, cheer, delight, glee, pleasure, excitement, gladness, mirth,
            amusement, enthusiasm, pride, gratitude, love, affection, laughter, optimism, warmth,
            good humour, a smile, a grin, +bliss, +euphoria, +elation, +ecstasy, +rapture,
            +jubilation, -satisfaction, -contentment, -relief, -hope""",
        "verb": """smiling, laughing, grinning, giggling, chuckling, beaming, celebrating,
            joking, cheering, having fun, telling a joke, singing for joy, enjoying every
            moment, greeting an old friend, dancing around, having a great time, partying,
            rejoicing, sharing wonderful news, congratulating a friend, having the time of
            your life, +laughing out loud, +bursting with joy, +crying tears of joy, +jumping
            for joy, skipping along, humming a happy tune, flirting, blowing kisses, hugging
            someone, clapping, having a blast, telling funny stories, winning, playing with
            kittens, wishing a merry christmas, wishing happy birthday, whistling, tickling a
            baby, +screaming with joy, +roaring with laughter""",
        "past": """+won the lottery, just got a big promotion, passed the exam, got engaged,
            got a wonderful present, met an old friend again, fell in love, won the game,
            heard great news, got a puppy, was told a great joke, had the best day ever, +won
            the world cup, +became a parent, came home after a long trip, got a birthday cake,
            found out the holiday starts tomorrow, was praised by everyone, +got their dream
            job, saw the sun come out, got an award, is at a birthday party, was on holiday at
            the beach, aced the test, made a new friend, just got married, is going on
            vacation, ate their favourite ice cream, won first prize, got a raise, received
            flowers, hugged their child, finished all the work, finally made it, +won a
            million dollars, has their whole family around""",
        "idiom": """+over the moon, +on cloud nine, +in seventh heaven, +walking on air, +on top
            of the world, as happy as a clam, +tickled pink, full of beans, grinning from ear to
            ear, +in paradise, +thrilled to bits, as pleased as punch, happy as a lark, like a
            dog with two tails, like a kid in a candy store, full of the joys of spring, in good
            spirits, all smiles, a ray of sunshine, in a great mood, on a high, +over the
            rainbow, having a ball, +beside yourself with joy, like the cat that got the cream,
            walking on sunshine, happy as can be, living the dream, a happy camper, couldn't be
            happier, with stars in your eyes, a barrel of laughs, a clown, a game show host, a
            child on christmas morning, feeling great, feeling fantastic, feeling wonderful""",
    },
    "sad": {
        "adj": """sad, unhappy, sorrowful, gloomy, miserable, melancholy, mournful, depressed,
            downcast, dejected, heavy-hearted, tearful, glum, blue, down, despondent, forlorn,
            lonely, hurt, dismal, woeful, weepy, disheartened, crestfallen, sombre, grieving,
            regretful, remorseful, hopeless, dispirited, low, doleful, morose, crushed,
            gutted, discouraged, sorry, homesick, pitiful, moping, bleak, joyless, wretched,
            bereaved, cheerless, saddened, broken, lost, guilty, apologetic, nostalgic,
            crying, dreary, -disappointed, -wistful, -pensive, -weary, -tired, -let down,
            -troubled, -moody, +heartbroken, +devastated, +grief-stricken, +inconsolable,
            +broken-hearted, +anguished, +desolate, +despairing, +distraught, +suicidal,
            +tormented, +utterly miserable, downhearted, upset, melancholic, tragic, sullen,
            cast down, dolorous, lugubrious, funereal, lachrymose, rueful, aching, pained,
            suffering, unloved, rejected, abandoned, neglected, defeated, drained, worn out,
            fragile, sombrely quiet, wounded, self-pitying, pessimistic, contrite, repentant,
            sad-eyed, teary, teary-eyed, choked up, whiny, pining, yearning, bummed, bummed
            out, deflated, sorrow-stricken, unfortunate, longing, +shattered, +heartsick,
            +bereft, +traumatised, +woebegone, +destroyed, +torn apart, -subdued, -bittersweet
            and sad, -dissatisfied, -downbeat""",
        "adv": """sadly, unhappily, sorrowfully, gloomily, miserably, mournfully, tearfully,
            glumly, with tears in your eyes, dejectedly, regretfully, forlornly, with a heavy
            heart, with a sigh, in tears, on the verge of tears, with a trembling lip,
            hopelessly, dolefully, +inconsolably, +in deep despair, -wistfully, -with
            disappointment""",
        "noun": """sadness, sorrow, unhappiness, gloom, misery, melancholy, depression, dejection,
            regret, loneliness, mourning, tears, heartache, remorse, pain, loss, hopelessness,
            pity, woe, homesickness, nostalgia, +grief, +despair, +anguish, +heartbreak,
            +desolation, -disappointment, -wistfulness""",
        "verb": """crying, weeping, mourning, sobbing, grieving, sighing, moping, whimpering,
            missing someone, saying goodbye forever, holding back tears, feeling sorry, giving
            a eulogy, apologising with regret, lamenting, remembering a lost friend, feeling
            down, sulking, fighting back tears, telling a tragic story, +bawling, +crying your
            eyes out, +weeping bitterly, +breaking down in tears, suffering a loss, speaking
            at a funeral, pouting, wailing, losing hope, giving up, wiping away a tear,
            sniffling, hanging the head, grieving for a child, reading a farewell letter,
            remembering happier times, writing a sad poem, breaking up, confessing a regret,
            being lonely, mourning a pet, +howling with grief""",
        "past": """lost a good friend, +lost a loved one, was left by their partner, failed the
            exam, +attended the funeral of their mother, lost the final, had to say goodbye,
            lost their job, got terrible news from home, saw their dog die, was abandoned,
            broke up with someone, was forgotten by everyone, had a terrible day, missed their
            family, is all alone, was rejected, lost everything, heard that grandma passed
            away, nobody came to the party, lost their home, lost the game, lost their best
            friend, was dumped, buried a friend, saw a tragedy, missed the last chance, failed
            again, received bad news, got divorced, lives alone, watched a sad movie, has
            nobody to talk to, +lost a child, was left behind, dropped their ice cream""",
        "idiom": """down in the dumps, down in the mouth, feeling blue, +heart broken into pieces,
            under a black cloud, in low spirits, with a lump in the throat, in the doldrums,
            singing the blues, as sad as can be, out of sorts, having a heavy heart, close to
            tears, +crying a river, at rock bottom, down and out, +at the end of the rope, a wet
            blanket, with a long face, reduced to tears, in a dark place, +in the depths of
            despair, like a lost puppy, down on your luck, feeling low, feeling empty inside, a
            widow, like it is raining inside, taking it hard, sick at heart, a mourner at a
            funeral""",
    },
    "angry": {
        "adj": """angry, mad, cross, irate, hostile, aggressive, resentful, bitter, indignant,
            heated, outraged, fuming, ill-tempered, hot-headed, snappy, fierce, threatening,
            offended, bad-tempered, fed up, vengeful, menacing, spiteful, wrathful,
            exasperated, belligerent, riled, aggravated, combative, confrontational, cranky,
            quarrelsome, mean, harsh, stern, ticked off, pissed off, hateful, upset and angry,
            provoked, -annoyed, -irritated, -grumpy, -frustrated, -displeased, -impatient,
            -irked, -miffed, -testy, -peeved, -grouchy, -strict, -tense, +furious, +enraged,
            +livid, +seething, +infuriated, +raging, +boiling with rage, +incensed,
            +ferocious, +raging mad, +apoplectic, +violent, +rabid, +murderous, choleric,
            vexed, irascible, irritable, riled up, worked up, steamed, sore, inflamed,
            maddened, hot-tempered, antagonistic, hard, sulky and cross, bristling,
            acrimonious, vicious, savage, cruel, brutal, ruthless, evil, outraged at
            injustice, touchy, argumentative, commanding, bossy, defiant, rebellious,
            provocative, disgruntled, crabby, rude, sharp, accusing, warlike, triggered,
            salty, +steaming, +mad as hell, +blind with rage, +wild with anger, +hateful and
            furious, +tempestuous, +explosive, +berserk, +ballistic, +really pissed,
            -cantankerous, -bothered, -huffy, -curt, -nettled, -ratty, -stroppy""",
        "adv": """angrily, aggressively, bitterly, crossly, indignantly, fiercely, in a temper,
            with clenched teeth, hostilely, harshly, sternly, resentfully, with a raised voice,
            through gritted teeth, madly, in a huff, +furiously, +in a rage, +with blazing eyes,
            -irritably, -grumpily, -impatiently, -with annoyance, threateningly""",
        "noun": """anger, hostility, aggression, resentment, indignation, bitterness, temper,
            outrage, ire, exasperation, hate, hatred, malice, spite, a scowl, vengeance, +fury,
            +rage, +wrath, -annoyance, -irritation, -frustration, -displeasure, -impatience""",
        "verb": """shouting, yelling, scolding, arguing, snarling, threatening, growling,
            cursing, swearing, telling someone off, glaring, quarrelling, ranting, snapping at
            someone, losing patience, raging, fighting, scowling, barking orders, blaming
            someone, hissing, demanding an apology, complaining loudly, picking a fight,
            +screaming with rage, +exploding with anger, +foaming at the mouth, +smashing
            things, -frowning, -grumbling, raising your voice, banging on the table, kicking
            the door, stomping, slamming the door, pointing a finger, clenching fists,
            gnashing the teeth, insulting someone, attacking, confronting a liar, punishing,
            roaring, bellowing, lecturing a naughty child, calling for revenge, bickering,
            grinding the teeth, losing control, losing it, throwing a tantrum, having a
            tantrum""",
        "past": """was insulted, was cheated, got a parking ticket, was betrayed by a friend,
            had their car scratched, was lied to, got cut off in traffic, had their bike
            stolen, was treated unfairly, caught a thief, +found out about the betrayal, was
            fired unfairly, is fed up with everything, was kept waiting for hours, got pushed
            around, was ripped off, +wants revenge, hates everyone, had a fight, found the
            dishes unwashed again, was robbed, had enough of this, stubbed a toe, got scammed,
            was blamed for nothing, missed the bus because of you, got a bad review, was
            called names, wants to fight, lost to a cheater, argued with the boss, cannot
            stand it any more, was interrupted again and again, wants to punch someone""",
        "idiom": """+seeing red, +hopping mad, +up in arms, hot under the collar, at the boiling
            point, +blowing a fuse, +hitting the roof, fit to be tied, +going ballistic, +flying
            off the handle, losing your temper, at the end of your patience, like a bear with a
            sore head, +mad as a hornet, up to here with it, +with steam coming out of your ears,
            +beside yourself with anger, in a foul mood, on the warpath, out for blood, +blowing
            your top, having a short fuse, sick and tired of it, +going through the roof, about
            to explode, with blood boiling, spitting nails, bent out of shape, a drill sergeant,
            a bully, not taking it any more, foaming with rage, getting on my nerves, having had
            enough""",
    },
    "surprised": {
        "adj": """surprised, astonished, amazed, startled, astounded, taken aback, shocked,
            stunned, wide-eyed, speechless, awestruck, incredulous, dumbstruck, wonderstruck,
            open-mouthed, gobsmacked, bewildered, disbelieving, dazed, impressed, in awe,
            astonied, marvelling, caught off guard, wondering, unprepared, agape, amazed and
            speechless, dazzled, -puzzled, -confused, -perplexed, -baffled, -curious,
            -intrigued, -nonplussed, +flabbergasted, +dumbfounded, +thunderstruck, +staggered,
            +stupefied, +mind-blown, +completely shocked, +floored, +bowled over, shook,
            stupefied by it, jolted, wowed, spellbound, breathless, transfixed, agog,
            goggle-eyed, bug-eyed, unbelieving, amazed by it, surprised by joy, overwhelmed,
            starstruck, thrown, flummoxed, mesmerised, fascinated, aback, unsuspecting,
            blindsided, electrified, blinking, +shell-shocked, +gobstruck, +dumbstricken,
            +awe-inspired, +utterly amazed, -inquisitive, -questioning, -wondering aloud,
            -mystified, -disoriented""",
        "adv": """in surprise, with astonishment, in amazement, with wide eyes, in disbelief, in
            awe, with raised eyebrows, open-mouthed, incredulously, with a gasp, in wonder, in
            shock, surprisedly, amazedly, astonishedly, with a start, +in utter disbelief,
            -curiously, -in confusion, with mouth agape, unexpectedly""",
        "noun": """surprise, astonishment, amazement, shock, disbelief, wonder, awe,
            bewilderment, incredulity, a gasp, wonderment, stupefaction, -confusion,
            -curiosity, -puzzlement, +sheer disbelief, +total shock, a surprise, a jolt, a
            revelation, an unexpected twist, marvel, stupor, unexpectedness, +utter
            astonishment""",
        "verb": """gasping, raising the eyebrows, marvelling, not believing your eyes, staring
            in wonder, discovering something unexpected, wondering at it, finding a hidden
            treasure, hearing unbelievable news, seeing something incredible, opening a
            surprise present, doing a double take, watching a magic trick, blinking in
            disbelief, saying wow, unable to believe it, dropping the jaw, being caught by
            surprise, raising both brows, staring with an open mouth, exclaiming, having an
            epiphany, being stunned, being shocked, seeing the northern lights for the first
            time, hearing a sudden bang, jumping at a noise, realising what happened, seeing
            fireworks""",
        "past": """just saw a magic trick, heard something unbelievable, walked into a surprise
            party, saw a ghost appear out of nowhere, saw an elephant in the living room, saw
            a ufo land, did not expect that at all, never expected this, found out the truth
            suddenly, was caught by surprise, discovered a secret door, saw something
            impossible, met a celebrity on the street, could not believe it, heard an
            unexpected twist, suddenly remembered something, saw a unicorn, got an unexpected
            visit, opened the door and everyone yelled surprise, saw money fall from the sky,
            heard the twist ending, met their double, saw a cat talk, found money in an old
            coat, woke up on mars, was given a car, saw a flying pig, learned a shocking
            secret, saw a dead man walk in, won without expecting it""",
        "idiom": """out of the blue, +jaw on the floor, like a bolt from the blue, +blown away,
            lost for words, caught off guard, caught unawares, +knocked for six, at a loss for
            words, with jaw dropped, +your jaw hitting the ground, oh my god, wow, what a
            surprise, holy cow, no way, I can't believe it, you must be kidding, that came
            from nowhere, not believing your ears, with eyes popping out, +struck dumb,
            +knocked off your feet, like a deer caught by a sudden noise, who would have
            thought, well I never, eyes like saucers, as if lightning had struck, pinch me,
            unable to believe your eyes, oh really, whoa, what, what on earth, are you
            serious, seriously, blimey, good heavens, oh wow, really, I had no idea, that's
            unbelievable, you don't say, unreal, holy moly, no kidding, stop the presses, with
            mouth wide open, jaw dropping, mind blown""",
    },
    "afraid": {
        "adj": """afraid, scared, fearful, frightened, anxious, nervous, worried, alarmed,
            panicky, timid, spooked, trembling, shaking, jittery, threatened, intimidated, on
            edge, distressed, paranoid, cowardly, jumpy, insecure, stressed, cowering,
            agitated, aghast, helpless, vulnerable, haunted, shaken, daunted, skittish,
            tremulous, quivering, freaked out, frantic, defensive, terrorised, creeped out,
            panicking, faint-hearted, desperate, unsafe, -uneasy, -apprehensive, -concerned,
            -shy, -hesitant, -tense and worried, -wary, -unsettled, -restless, -cautious,
            -edgy, -doubtful, -suspicious, +terrified, +petrified, +horrified,
            +panic-stricken, +scared to death, +terror-stricken, +scared stiff, +hysterical
            with fear, +mortally afraid, phobic, timorous, panicked, hysterical,
            horror-struck, afraid of everything, disquieted, perturbed, uptight, high-strung,
            neurotic, overwhelmed by fear, spineless, frozen, chilled to the bone, pale with
            fear, worried sick, shuddering, traumatised by fear, scary, spooky, dreading,
            flustered, troubled by fear, cornered, hunted, endangered, sheepish, meek,
            submissive, bashful, self-conscious, +horror-stricken, +scared shitless,
            +frightened out of your mind, +hyperventilating, +paralysed by fear, -diffident,
            -unsure, -uncertain, -reluctant, -nervy, -fretful, -antsy, -uncomfortable,
            -mistrustful""",
        "adv": """fearfully, nervously, anxiously, timidly, in fear, in panic, with a trembling
            voice, with a shaky voice, worriedly, frightenedly, with dread, in alarm,
            tremblingly, +in terror, +in horror, +in mortal fear, -shyly, -hesitantly, -uneasily,
            -warily, -apprehensively, frantically""",
        "noun": """fear, anxiety, nervousness, worry, alarm, dread, fright, trepidation,
            cowardice, distress, stage fright, stress, angst, foreboding, nerves, +terror,
            +panic, +horror, +mortal fear, -unease, -apprehension, -concern, -shyness, -doubt,
            -insecurity""",
        "verb": """trembling, shivering, hiding, cowering, fleeing, shaking with fear,
            panicking, worrying, begging for help, backing away, running for your life,
            hearing footsteps behind you, expecting the worst, watching a horror film, walking
            through a dark forest, fearing the worst, stammering, waiting for bad news,
            calling for help, quaking, +screaming in terror, +fearing for your life,
            -hesitating, freezing with fright, whimpering in fear, biting nails, sweating with
            fear, hiding under the bed, looking over your shoulder, pleading for your life,
            running from a monster, gulping, flinching, recoiling in fear, sensing danger,
            facing a tiger, escaping from a fire, being hunted, stuttering, fidgeting""",
        "past": """saw a ghost, heard a noise in the dark, was chased by a dog, was being
            followed, +was chased by a killer, is afraid of the dark, was lost in the forest
            at night, has to give a speech in front of thousands, saw a spider, was locked in
            a dark cellar, heard the alarm go off, is waiting at the dentist, stood at the
            edge of a cliff, +was held at gunpoint, woke up from a nightmare, is about to be
            caught, was threatened, heard a wolf howl, saw a shark in the water, was trapped
            in a lift, had a close call, saw a monster, heard screams, met a bear, was
            attacked, is alone in a haunted house, lost a child in a crowd, is about to have
            surgery, had a panic attack, felt an earthquake, saw a snake, is afraid to die,
            heard a scream in the night, is facing a firing squad, had a nightmare, is on a
            crashing plane""",
        "idiom": """+scared out of your wits, +frightened to death, like a deer in the headlights,
            shaking like a leaf, with your heart in your mouth, with butterflies in the stomach,
            on pins and needles, white as a sheet, getting cold feet, having cold feet, a bundle
            of nerves, +scared of your own shadow, +with blood running cold, having the creeps,
            having the jitters, +shaking in your boots, jumping at shadows, a nervous wreck, with
            hair standing on end, walking on eggshells, +frozen with fear, like a cat on a hot
            tin roof, weak at the knees, with a knot in the stomach, breaking out in a cold
            sweat, chicken, a scaredy cat, a bag of nerves, sweating bullets, quaking in your
            shoes, like a cornered animal, please don't hurt me""",
    },
    "disgusted": {
        "adj": """disgusted, revolted, repulsed, grossed out, nauseated, sickened, repelled,
            queasy, nauseous, appalled, squeamish, put off, sick to the stomach, gagging,
            loathing, offended by a smell, about to vomit, disgusted by the smell,
            stomach-turned, retching, averse, disgusting, gross, yucky, icky, nauseating,
            revolting, repulsive, vile, foul, -turned off, -disapproving, -displeased by the
            taste, -finicky, +utterly repulsed, +deeply revolted, +abhorrent, +sickened to the
            core, grossed-out, nauseous and pale, sickened by it, repelled by it, bilious,
            ill, green, disgusted beyond words, horrified by the smell, yucked out, rotten,
            filthy, stinking, smelly, slimy, putrid, rancid, mouldy, sickly, unappetised,
            loathsome, nasty, unpalatable, distasteful, unsavoury, +utterly disgusted,
            +repulsed beyond belief, -bitter-mouthed, -unappetising""",
        "adv": """in disgust, with disgust, disgustedly, with revulsion, with a wrinkled nose,
            with loathing, in revulsion, queasily, with distaste, holding your nose, with
            nausea, squeamishly, +with utter revulsion, -with aversion, with repugnance, with
            a grimace of disgust, with a retch, in horror at the taste, repulsively,
            revoltedly, with a sickened look, nauseatedly""",
        "noun": """disgust, revulsion, repulsion, nausea, loathing, repugnance, abhorrence, a
            bad taste, sickness, +utter revulsion, -distaste, -aversion, -dislike, a stench, a
            foul smell, queasiness, ick, vomit, detestation, stink, filth, odium, a wrinkled
            nose""",
        "verb": """gagging, retching, wrinkling the nose, vomiting, feeling sick, smelling
            something rotten, tasting something bitter, eating something foul, throwing up,
            saying yuck, turning away from a bad smell, spitting out rotten food, holding your
            nose, puking, cringing at the stench, looking at something gross, being sick,
            wincing at the taste, smelling garbage, tasting sour milk, wrinkling your nose,
            sticking out the tongue in disgust, pulling a face at the food, touching something
            slimy, smelling a skunk, eating a bug, cleaning a toilet, finding mould on bread,
            recoiling from the smell, detesting the taste, grimacing at the taste""",
        "past": """smelled rotten eggs, bit into a rotten apple, stepped in dog poo, found a
            hair in the soup, drank sour milk, found a cockroach in the food, touched slime,
            saw maggots, smelled a dirty toilet, ate something mouldy, saw someone pick their
            nose, saw vomit, opened a bin full of rotting fish, had to eat insects, found a
            worm in the apple, smelled old socks, swallowed a fly, saw a filthy kitchen,
            cleaned up a dead rat, smelled a skunk, ate a slug, tasted spoiled milk, licked a
            dirty floor, watched a gory surgery, smelled sewage, found maggots in the meat,
            drank from a spittoon, stepped in vomit, saw a rat in the kitchen, smelled a
            rotting corpse, was served rotten meat, touched a sticky public seat""",
        "idiom": """sick to your stomach, yuck, eww, ugh that is gross, that's disgusting,
            +sick as a dog, turning your stomach, about to throw up, green around the gills,
            holding your nose, with a bad taste in the mouth, like you smelled something
            awful, as if it stinks, making your skin crawl, wanting to puke, yucky, smelling a
            rat that died, bleh, ready to hurl, like biting into a lemon full of worms, losing
            your lunch, that stinks, what a stench, looking at garbage, that turns my stomach,
            gross, ew, ewww gross, blech, phew it stinks, pee-yew, that smells awful, that is
            so gross, that makes me sick, I feel sick, I'm going to be sick, it tastes
            horrible, gag me, stomach churning, stomach-churning, like you swallowed a fly,
            like something stinks, having a sour stomach""",
    },
    "contemptuous": {
        "adj": """contemptuous, scornful, disdainful, sneering, mocking, derisive, arrogant,
            haughty, condescending, snobbish, dismissive, sarcastic, smug, superior,
            disrespectful, cynical, patronising, snide, conceited, supercilious, snooty,
            pompous, stuck-up, cocky, sardonic, high and mighty, jeering, belittling,
            insolent, self-satisfied, unimpressed, scoffing, taunting, pretentious, imperious,
            holier-than-thou, lofty, self-important, ironic, judgemental, disparaging,
            despising, ridiculing, smirking, snotty, withering, -aloof, -sceptical,
            -skeptical, -doubting, -blase, -cheeky, -disinterested and superior, +utterly
            contemptuous, +full of scorn, +deeply scornful, +vilely arrogant, sniffy,
            hoity-toity, disrespecting, mean-spirited and superior, vain, egotistical,
            narcissistic, bored and superior, overbearing, bumptious, presumptuous, snarky,
            catty, impudent, acerbic, caustic, scathing, wry, domineering, elitist, supremely
            arrogant, proud and disdainful, swaggering, boastful, uppity, toffee-nosed,
            high-handed, hypercritical, spurning, derogatory, irreverent, villainous,
            +dripping with sarcasm, +dripping with contempt, +hugely arrogant, -unconvinced,
            -distrustful and superior, -sly, -ironical, -dry""",
        "adv": """contemptuously, scornfully, disdainfully, mockingly, arrogantly, sarcastically,
            smugly, condescendingly, derisively, haughtily, with a sneer, with a smirk,
            dismissively, with an eye roll, cynically, down your nose, with one corner of the
            mouth raised, sneeringly, snidely, pompously, +with utter contempt, -aloofly,
            -sceptically""",
        "noun": """contempt, scorn, disdain, mockery, derision, arrogance, condescension,
            sarcasm, smugness, snobbery, a sneer, a smirk, superiority, cynicism, haughtiness,
            ridicule, irony, disrespect, +utter contempt, +bitter scorn, -scepticism,
            -aloofness, hubris, conceit, vanity, insolence, snark, pomposity, ego, a superior
            air, a mocking smile, an ironic smile, a lopsided smile, self-importance,
            dismissiveness, +withering scorn""",
        "verb": """sneering, mocking, smirking, scoffing, rolling your eyes, looking down on
            someone, making fun of someone, ridiculing someone, belittling someone, jeering,
            taunting, dismissing a fool, snubbing someone, thinking you are better than
            everyone, despising someone, laughing at a loser, talking down to someone, showing
            off your superiority, treating someone as inferior, turning up your nose,
            gloating, deriding a rival, mocking a beggar, sniffing at the cheap wine, being
            sarcastic, giving a slow clap, raising one lip corner, humiliating someone,
            insulting the intelligence of others, boasting, being condescending, dismissing a
            silly idea, shrugging off a nobody, making a sarcastic remark, bragging, judging
            others, putting someone down""",
        "past": """thinks everyone else is stupid, has no respect for anyone, talked to an
            inferior, looks down on others, considers them beneath notice, met a pathetic
            rival, despises you, was asked a stupid question by a fool, saw a pathetic
            attempt, feels superior to all, is talking to peasants, knows better than
            everyone, thinks this is beneath them, finds this ridiculous, considers you an
            idiot, thinks you are a joke, just beat a weak opponent, refuses to shake hands
            with a commoner, rolls their eyes at everything, does not take you seriously,
            mocks everyone, is too important for this, has only scorn for you, treats waiters
            like dirt""",
        "idiom": """looking down your nose, on your high horse, holier than thou, too good for
            this, full of yourself, with your nose in the air, as if they were dirt, better
            than you, thumbing your nose, whatever, oh please, yeah right, give me a break, as
            if I cared, too big for your boots, turning your nose up, a snob, a smug villain,
            beneath me, spare me, what a loser, you are pathetic, a cut above the rest, like a
            spoiled rich kid, with a curled lip, with an air of superiority, talk to the hand,
            a know-it-all, as if, a diva, a bored aristocrat, a mean girl, an arrogant king, a
            villain gloating, big-headed, an arrogant critic, pff, tsk, how pathetic, you call
            that a painting, not worth my time, as though it were beneath you, think you're so
            clever, well well well, what an idiot, nice try, acting all high and mighty,
            looking at an insect, unworthy""",
    },
}  # fmt: skip

# Wordings between the classes: weights in any unit, normalised when used.
BLENDS: dict[str, dict[str, float]] = {
    "bored": {"neutral": 5, "contemptuous": 3, "sad": 2},
    "jealous": {"angry": 5, "contemptuous": 3, "sad": 2},
    "envious": {"angry": 5, "contemptuous": 3, "sad": 2},
    "embarrassed": {"afraid": 5, "sad": 4, "surprised": 1},
    "ashamed": {"sad": 7, "afraid": 3},
    "confused": {"surprised": 6, "neutral": 4},
    "bittersweet": {"sad": 6, "happy": 4},
    "pleasantly surprised": {"surprised": 6, "happy": 4},
    "happily surprised": {"surprised": 5, "happy": 5},
    "sad and angry": {"sad": 5, "angry": 5},
    "angry and disgusted": {"angry": 5, "disgusted": 5},
    "happy but nervous": {"happy": 5, "afraid": 5},
    "surprised and scared": {"surprised": 5, "afraid": 5},
    "sad but smiling": {"sad": 5, "happy": 5},
    "mockingly amused": {"contemptuous": 6, "happy": 4},
    "sleepy": {"neutral": 7, "sad": 3},
    "exhausted": {"sad": 6, "neutral": 4},
    "determined": {"neutral": 7, "angry": 3},
    "confident": {"neutral": 6, "happy": 4},
    "flirty": {"happy": 8, "neutral": 2},
    "crazy": {"surprised": 4, "happy": 3, "angry": 3},
    "horrified and sickened": {"afraid": 5, "disgusted": 5},
}
