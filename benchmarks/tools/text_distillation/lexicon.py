"""Words that phrases about sensors and people are made of, and those kept out of the fit so that it can be judged on them."""

from __future__ import annotations


def _lines(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.replace("\n", ",").split(",") if part.strip())


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


#: What people do, as it follows "a person is".
ACTIVITIES = _lines("""
walking, walking slowly, walking fast, strolling, striding, marching, pacing, wandering, hiking, trekking, nordic walking, tiptoeing
running, jogging, sprinting, racing, trotting, running on a treadmill, walking on a treadmill, walking on a flat treadmill
walking on an inclined treadmill, walking in a parking lot, walking backwards, walking forward, walking left, walking right, sitting
sitting down, sitting on a chair, sitting at a desk, standing, standing up, standing still, getting up, resting, relaxing, lying
lying down, lying on the back, lying on the right side, lying on the left side, sleeping, falling asleep, napping, waking up, falling
tripping, slipping, stumbling, turning, turning left, turning right, spinning, leaning, bending, bending forward, stretching
climbing stairs, ascending stairs, descending stairs, walking upstairs, walking downstairs, going up the stairs, going down the stairs
climbing a ladder, climbing a hill, riding an elevator, standing in an elevator, moving around in an elevator, riding an escalator
cycling, riding a bicycle, cycling on an exercise bike, cycling in a horizontal position, cycling in a vertical position, pedaling
rowing, rowing on a machine, exercising, exercising on a stepper, exercising on a cross trainer, using an elliptical trainer, stepping
jumping, hopping, skipping, jumping rope, jumping forward and backward, leaping, bouncing, squatting, crouching, kneeling, lunging
doing a squat, doing a lunge, doing push ups, doing sit ups, doing jumping jacks, lifting weights, curling the arms, raising the arms
crossing the arms, elevating the arms, bending the knees, bending the waist, swinging the arms, shaking hands, waving, clapping
knocking, throwing, throwing a ball, catching, catching a ball, kicking a ball, picking up an object, carrying a box, pushing, pulling
lifting, swiping left, swiping right, drawing a circle, drawing a triangle, drawing a cross, pointing, punching, boxing, bowling
serving in tennis, swinging a baseball bat, swinging a tennis racket, playing tennis, playing basketball, shooting a basketball
playing soccer, playing football, playing baseball, playing table tennis, swimming, dancing, working out, warming up, cooling down
training, eating, eating a sandwich, drinking, drinking from a cup, drinking water, cooking, preparing breakfast, cleaning
cleaning the table, cleaning the house, ironing, vacuuming, vacuum cleaning, sweeping the floor, folding laundry, washing hands
opening a door, closing a door, opening a drawer, closing a drawer, opening the fridge, closing the dishwasher, toggling a switch
using a phone, talking, speaking, speaking in public, giving a speech, singing, laughing, watching television, watching a video
watching a funny film, reading, working on a computer, writing, typing on a keyboard, studying, doing mental arithmetic
counting backwards, driving, driving a car, riding a bus, riding a train, travelling, waiting, meditating, breathing slowly
breathing deeply, holding the breath
""")

#: How people are, as it follows "a person is" or "a person feels".
STATES = _lines("""
calm, relaxed, at rest, neutral, stressed, under stress, anxious, nervous, afraid, frightened, worried, tense, excited, aroused, amused
happy, sad, angry, bored, tired, exhausted, sleepy, asleep, awake, alert, focused, concentrated, distracted, active, inactive, idle
still, stationary, moving, sick, healthy, in pain, cold, warm, hot, sweating, shivering, out of breath, under cognitive load
thinking hard
""")

POSITIONS = _lines("""
wrist, left wrist, right wrist, dominant wrist, arm, left arm, right arm, upper arm, forearm, hand, left hand, right hand, finger, ankle
left ankle, right ankle, leg, left leg, right leg, thigh, left thigh, right thigh, knee, left knee, right knee, foot, left foot
right foot, shoe, shin, calf, hip, left hip, right hip, waist, belt, chest, torso, trunk, back, lower back, upper back, shoulder, elbow
neck, head, ear, forehead, pocket, trouser pocket, front pocket, jacket pocket, backpack, bag
""")

SENSORS = _lines("""
accelerometer, gyroscope, magnetometer, orientation sensor, inertial sensor, motion sensor, inertial measurement unit, thermometer
barometer, pressure sensor, temperature sensor, heart rate sensor, pulse sensor, optical pulse sensor, photoplethysmograph
electrocardiogram, electromyogram, electroencephalogram, electrodermal activity sensor, skin conductance sensor, respiration belt
microphone, camera, light sensor, smartphone, smartwatch, wristband, fitness tracker, wearable device, phone, mobile phone
""")

QUANTITIES = _lines("""
acceleration, linear acceleration, total acceleration, gravity, angular velocity, rotation rate, magnetic field, orientation, attitude
roll, pitch, yaw, quaternion, heart rate, blood volume pulse, skin temperature, body temperature, skin conductance
electrodermal activity, respiration, breathing, muscle activity, electrical activity of the heart, brain activity, air pressure
humidity, light level, sound level
""")

AXES = _lines("""
x, y, z, x axis, y axis, z axis, vertical axis, forward axis, sideways axis, magnitude, vertical, horizontal, lateral
""")
UNITS = _lines("""
g, metres per second squared, degrees per second, radians per second, microtesla, microsiemens, degrees Celsius, hertz, beats per minute
volts
m/s^2, rad/s, deg/s, uT, uS, Hz, bpm, mV
""")

#: What a signal does, for captions.
SHAPES = _lines("""
periodic, regular, irregular, rhythmic, repetitive, constant, steady, flat, quiet, noisy, smooth, rough, sharp, spiky, bursty, rising
falling, increasing, decreasing, oscillating, drifting, stable, unstable, slow, fast, weak, strong, large, small, high, low, moderate
""")
EVENTS = _lines("""
peak, peaks, step, steps, impact, shock, burst, pause, swing, cycle, cycles, stride, strides, rise, drop, trend, pulse, beats, vibration
""")
INTENSITIES = _lines("""
slowly, quickly, fast, gently, vigorously, lightly, hard, steadily, calmly, suddenly, briefly, repeatedly, continuously, moderately
""")
PLACES = _lines("""
at home, in the office, in the kitchen, in the gym, in the park, on the street, in a hallway, outdoors, indoors, in bed, on a sofa
in a laboratory
""")
PEOPLE = _lines("""
a person, someone, somebody, a man, a woman, the subject, the participant, the user, the wearer, an adult, a child, an old man
""")

#: Other words and their bases, known whole though the teacher's vocabulary cuts them.
FORMS = _lines("""
jog, jogs, jogger, stroll, strolls, sprint, squat, squats, lunge, lunges, hop, hops, crouch, crouches, kneels, pedal, pedals, hike
hikes, swipe, swipes, clap, claps, stepper, treadmill, elliptical, accelerometers, gyroscopes, smartphones, wearable, wearables, sensor
upstairs, downstairs, vacuum, iron, photoplethysmography, electrodermal, electrocardiography, actigraphy, gait, cadence, posture, supine
prone, sedentary, ambulation
""")

#: Activities and states whose content words never occur in a phrase of the fit.
HELD_OUT_ACTIVITIES = _lines("""
kayaking, skiing, snowboarding, ice skating, surfing, fencing, wrestling, archery, gardening, mowing the lawn, chopping wood
digging a hole, painting a fence, hammering a nail, sawing a plank, sewing, knitting, practising the violin, practising the piano
practising the drums, brushing teeth, combing hair, shaving, kneading dough, stirring soup, peeling potatoes, practising yoga, pilates
ballet, golf, volleyball, badminton, cricket, ice hockey, bullfighting, crawling, limping, coughing, sneezing, yawning
smoking a cigarette, juggling, hugging, abseiling, diving, sailing, fishing, hunting, skateboarding, rollerblading, somersaulting
bathing a dog, feeding a baby, milking a cow, shovelling snow, raking leaves, wiping a window, polishing boots, praying, whistling
""")
HELD_OUT_STATES = _lines("""
drowsy, furious, startled, nauseous, joyful, lonely, drunk, dizzy, grieving, embarrassed, jealous, hungry
""")

NOUNS = _words("""
man woman child girl boy family friend doctor nurse teacher student farmer worker driver soldier king city town village street road house
room door wall table chair bed floor garden field forest river lake mountain beach island bridge station school church hospital office
market shop kitchen car bus train plane boat ship horse cat bird fish tree flower grass stone sand water fire ice rain snow wind sun moon
star sky cloud night morning evening summer winter year month week day hour minute book letter paper picture song story game movie
newspaper phone computer machine engine clock radio music voice word number name question answer problem idea plan law war peace money
price job company government team player ball goal race food bread meat fruit apple milk coffee tea wine sugar salt dinner plate cup
bottle knife shirt coat hat dress ring hand foot heart blood bone skin brain medicine disease pain sleep dream energy power heat metal
gold oil glass wood wool
""")
VERBS = _words("""
sees finds makes takes gives buys sells builds breaks opens closes carries holds drops hides shows moves cleans paints reads writes draws
sings hears watches follows leads meets helps loves hates needs wants knows forgets remembers learns teaches cuts burns cooks eats drinks
washes fills pushes pulls throws catches loses wins starts stops changes keeps leaves brings sends
""")
ADJECTIVES = _words("""
big small old young new good bad long short tall wide narrow deep heavy light dark bright clean dirty dry wet hot cold warm cool fast slow
quiet loud soft hard strong weak rich poor happy sad angry brave kind cruel clever stupid beautiful ugly strange famous empty full broken
red blue green yellow black white brown grey fresh sweet bitter dangerous safe easy difficult cheap expensive
""")
