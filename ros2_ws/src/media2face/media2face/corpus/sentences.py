"""Sentences for the synthetic voices: our own, rich in lip closures, rounding and pauses."""

from __future__ import annotations

SENTENCES: tuple[str, ...] = tuple(
    line.strip()
    for line in """
Hello, my name is Robin, and I am your new helper.
Maybe Bob will bring more bread before breakfast.
Please put the big blue box by the bathroom door.
Would you like some warm water, or would you prefer a cup of coffee?
Mum and Pop bought a pram for the baby.
We were away for a whole week, walking by the river.
Five very fine vans drove over the frozen field.
What was that? Where were you when it happened?
Pepper, paper, plum, and apple pie.
I am so happy that you came to my party!
The fox jumped above the fluffy puppy and vanished.
You should choose a shoe that fits you well.
Remember to remove the battery before you wash it.
My brother Mike makes marvellous music in March.
Who knew that the new blue moon could glow so softly?
One, two, three, four, five, six, seven, eight, nine, ten.
Could you please repeat that a bit more slowly?
I feel terrible about what happened to him.
Stop! Do not move another muscle.
The weather will be warm and windy on Wednesday.
Every evening, five of us view the village from above.
Have you ever been to Paris, Rome, or Vienna?
No way. I do not believe a word of it.
A proper cup of coffee in a proper copper coffee pot.
She sells sea shells by the sea shore, does she not?
Push the button, wait for the beep, then pull the lever.
Oh, how wonderful it would be to go home now.
Our robot rolled around the room and recharged itself.
Victor felt very unwell, so he left before half past five.
Put a pinch of pepper on the pumpkin soup.
Shall we go shopping, or shall we watch the show?
Good morning. Welcome to the museum of modern motion.
Maps, lamps, stamps, and clamps are in the top drawer.
I would never, ever have thought of that.
Beneath the bridge, a brown bear was bathing.
The photograph of my father fell off the wall.
Why would a woman want twelve white wolves?
Thank you very much, that is very thoughtful of you.
Bubble, bubble, toil and trouble.
The moon pulled the foamy waves up the beach.
Leave the leaf on the cliff, Philip.
Do you mean me, or do you mean my mother?
That is enough! I have had it with this broken computer.
Please remain seated until the bus comes to a complete stop.
Joan owns a yellow boat with a low roof.
The choice of voice annoys the noisy boys.
How now, brown cow, wandering about the house?
I am afraid there is somebody in the basement.
Give me five minutes, maybe six, and I will be back.
Wow, look at the size of that watermelon!
The chef served fresh fish from five different rivers.
Keep the keys in the kitchen, and keep quiet.
It is a long and winding road, but the view is worth it.
Perhaps Pam prefers purple plums to peaches.
May I borrow your umbrella? It is pouring outside.
We have vegetables, beef, fish, and vanilla pudding.
Do whatever you want, whenever you want to.
Nobody remembers the number of my apartment.
A thin thief thought about three thick thumbs.
Mind the gap between the platform and the train.
Ship the cheap sheep in the chip box.
Boom! The big balloon popped above the crowd.
I wonder who will win the world cup.
My grandmother makes the best blueberry pancakes.
Fifty five fireflies flew into the forest.
Can you open your mouth a little wider, please?
Somewhere over the rooftop a blackbird was singing.
Beware of the dog, he may bite.
Give Eve the loaf, the knife, and half of the olives.
Are you sure that this is the right way home?
Yes, no, maybe, I do not know.
The museum opens at nine and closes at half past four.
A huge cube of ice fell off the roof.
Why not? What would be wrong with that?
Mix the milk, the butter, and the brown sugar in a bowl.
Peter Piper picked a peck of pickled peppers.
When will the plumber come to fix the pipe?
Oh no, I have lost my wallet.
I love the smell of fresh bread in the morning.
Very few people have ever visited that village.
Move a bit closer, but be careful with the lamp.
The wolf would not wait for the owl to wake up.
It was so cold that the pond froze over.
Amber, purple, maroon, and beige.
Both of them will be here by noon.
Ask the audience, or phone a friend.
You choose: the red rose, the orange, or the plum.
He whispered a word, and she laughed out loud.
Let me show you how the machine works.
I have a problem with my left foot.
Wash the window with warm water and vinegar.
Do not forget to feed the fish before you leave.
This is the best moment of my life!
Put up your umbrella, it is about to rain.
Somebody bumped into me at the bus stop.
Who would have believed it?
Bring a map, a lamp, some rope, and a warm blanket.
The judge urged the jury to be fair.
Each child chose a cheese sandwich for lunch.
The group grew to more than two hundred members.
Am I too late for the movie?
Pop music is popular with most people.
Father, forgive him, for he has not been himself.
Uncle Oliver always arrives on an early aeroplane.
Why are you laughing? It is not funny.
The mayor made a promise to improve public transport.
Her purple perfume bottle broke.
Seven clever wives served wine at five.
I was wondering whether we would ever meet again.
Blow out the candles, and make a wish.
Please, please, please may we have a puppy?
The oyster shell was full of oil.
Good night, sleep well, and dream of something beautiful.
You must be joking.
Baby ducks paddle behind their mother.
Would Walter want to swim in the warm pool?
Fred found four flat feathers on the floor.
Hop on the bus, get off at the museum, and walk ten metres.
How much wood would a woodchuck chuck?
I beg your pardon, what was your name again?
Nothing is impossible for a brave mind.
The soup is hot, so blow on it before you sip.
Why did you leave me alone in that awful place?
Improve your posture: back straight, chin up, shoulders down.
My favourite fruit is the mango, followed by the plum.
Turn left at the shop, then go over the bridge.
We may, perhaps, have made a big mistake.
Of course I have heard of it; everybody has.
The pilot of the plane spoke to the passengers.
Goodbye, my friend, and have a safe trip home.
The bishop and the pope spoke about poverty.
Is your room number five, or number nine?
Smooth blue stones move under the moonlit water.
Ow! That really, really hurt.
Most of the apples are ripe by mid September.
Simple maths problems amuse my nephew.
I thought so. I thought about it, and then I thought again.
The empty pump made a strange whooping noise.
Raise your arms above your head and breathe.
Our hour is over, so we are off.
Pick up the phone and call an ambulance!
Vivid violets cover the valley every February.
Big problems become small if you break them up.
Where were the warm woollen gloves we wore in winter?
It may be possible, but it is not very probable.
A flock of sheep followed the shepherd up the slope.
What a beautiful view from above the harbour!
The humble bumblebee hummed by the plum tree.
Do you prefer tea, coffee, or hot chocolate?
The poem by the famous poet moved everybody.
I am warning you for the very last time.
Remove the film from the top of the meal.
You look pale. Do you want to lie down?
All members must wear proper helmets.
The toy boy made a joyful noise.
Whole wheat flour, water, salt, and a bit of yeast.
I am sorry, the number you have dialled is not available.
Follow the path past the farm to the foot of the fell.
Which witch switched the Swiss wrist watches?
The doctor will see you in a moment.
He put the pebbles on top of the pile.
May the month of May be merry for you.
Charge the phone, check the map, and lock the door behind you.
Did she say fifteen or fifty?
My thumb is numb from playing the trumpet.
Few of us knew the truth about the tooth.
Enough is enough.
Both brothers breathed the smooth northern air.
A bowl of rice, a jug of juice, a jar of jam.
We will, we will, we will win.
The broom is in the back room, behind the boxes.
Whoever owns the yellow car, please move it.
I had a dream about an enormous elephant.
Why me? Why now? Why here?
Clap your hands, stamp your feet, and jump.
The amber lamp in the lobby beamed brightly.
Leave it to me.
I want to be alone with my thoughts for a while.
Open the app, tap on profile, and update your password.
The camp by the pond was swamped in the storm.
Oh, really? Tell me more about it.
Philosophy is the love of wisdom.
Above all, be polite and patient.
Two blue balloons flew over the school roof.
Maybe we should move, maybe we should wait.
The vet gave the dove some food and some fluids.
Warm up first, then run for forty five minutes.
My boss prefers that people knock before they come in.
Absolutely, positively, definitely maybe.
How are you today? I am fine, thank you.
The brown barn burned to the ground before dawn.
Please speak up, I am a bit hard of hearing.
He hummed a melody from a film he loved.
Pam, Bob, Mum, and Ben are going to the beach by bus.
Your wish is my command.
I promise to be more careful from now on.
The end of the film was a bit of a disappointment.
""".strip().splitlines()
)
